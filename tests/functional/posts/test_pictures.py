"""Pictures of posts: how they are added, described and published, and what is not lost meanwhile."""

from __future__ import annotations

import pytest

from tests.pictures import upload
from tests.walk import bodies, enter


@pytest.fixture
def application(make_application, tmp_path):
    return make_application({"microblog.media.folder": str(tmp_path / "media")})


@pytest.fixture
def susan(application):
    browser = application.browser()
    enter(browser, "susan")
    return browser


def fill(browser, body="", files=(), path="/"):
    """The form of this page, with a text and files."""
    form = browser.get(path).forms["compose-form"]
    form["body"] = body
    if files:
        form["pictures"] = list(files)
    return form


def publish(browser, body="", *files, **kwargs):
    return fill(browser, body, files).submit(**kwargs)


def shown(page):
    """The pictures of the first post: the text and the size of each."""
    return [
        (picture["alt"], int(picture["width"]), int(picture["height"]))
        for picture in page.html.select_one(".post").select(".post-picture img")
    ]


def in_form(page):
    """The pictures of the form, with their texts."""
    form = page.forms["compose-form"]
    return [
        (field.value, form.fields["alt"][number].value)
        for number, field in enumerate(form.fields.get("picture", []))
    ]


def test_a_picture_is_published_with_its_post(susan):
    page = publish(susan, "Look", upload(), status=303).follow()
    assert bodies(page) == ["Look"]
    assert shown(page) == [("", 80, 60)]
    link = page.html.select_one(".post-picture")
    assert link["aria-label"] == "Picture 1"
    answer = susan.get(link.img["src"])
    assert answer.content_type == "image/webp"
    large = susan.get(link["href"])
    assert large.html.select_one(".picture img")["width"] == "80"
    assert "This picture has no description." in large
