"""What crawlers, messengers and browsers read of a page without showing it."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from microblog.media.plans import AVATAR
from microblog.media.shown import ShownPicture, ShownPictures, dump
from microblog.posts.models import Post
from microblog.web.metadata import MOST_CHARACTERS, summarize
from tests.portraits import give_portrait
from tests.walk import enter, write


def metadata(page):
    elements = page.html.select("meta[property], meta[name=description]")
    return {element.get("property") or element["name"]: element["content"] for element in elements}


def test_robots_are_asked_to_leave_forms_searches_and_programs_out(browser):
    response = browser.get("/robots.txt", status=200)
    assert response.content_type == "text/plain"
    assert response.text == (
        "User-agent: *\nDisallow: /account\nDisallow: /admin/\nDisallow: /api/\nDisallow: /check-mail\n"
        "Disallow: /confirm\nDisallow: /former-address\nDisallow: /login\nDisallow: /logout\n"
        "Disallow: /messages\nDisallow: /new-address\nDisallow: /notifications\nDisallow: /preferences\n"
        "Disallow: /register\nDisallow: /reset-password\nDisallow: /search\nDisallow: /unsubscribe/\n"
        "Disallow: /updates\n"
    )


def test_below_a_mount_point_robots_read_the_paths_of_the_site(browser):
    assert (
        "Disallow: /blog/search\n" in browser.get("/robots.txt", extra_environ={"SCRIPT_NAME": "/blog"}).text
    )


def test_a_browser_that_asks_for_an_icon_by_itself_gets_one(browser):
    response = browser.get("/favicon.ico", status=200)
    assert response.content_type == "image/x-icon"
    assert response.body.startswith(b"\x00\x00\x01\x00\x03\x00")  # three sizes
    assert response.cache_control.max_age == 86_400


@pytest.mark.parametrize("path", ["/robots.txt", "/favicon.ico"])
def test_the_files_of_machines_need_no_sql(browser, count_statements, path):
    with count_statements() as statements:
        browser.get(path)
    assert statements == []


def test_the_front_page_says_what_the_site_is(browser):
    page = browser.get("/")
    (icon,) = page.html.select("link[rel=apple-touch-icon]")
    assert metadata(page) == {
        "description": "microblog: short posts, in the order they were written.",
        "og:site_name": "microblog",
        "og:title": "Welcome",
        "og:description": "microblog: short posts, in the order they were written.",
        "og:type": "website",
        "og:url": "http://localhost/",
        "og:image": f"http://localhost{icon['href']}",
    }


def test_the_picture_that_is_shared_is_there(browser):
    picture = metadata(browser.get("/"))["og:image"]
    assert browser.get(picture, status=200).content_type == "image/png"


def test_a_post_is_shared_with_its_text_and_a_person_with_what_they_say_of_themselves(browser):
    enter(browser, "susan")
    assert metadata(browser.get("/users/susan"))["og:description"] == "Posts by susan."
    write(browser, 'A "quoted" <b>text</b>\nin two lines')
    post = browser.get("/users/susan").html.select(".post-when")[0]["href"]
    shared = metadata(browser.get(post))
    assert shared["og:description"] == shared["description"] == 'A "quoted" <b>text</b> in two lines'
    assert shared["og:type"] == "article"
    assert shared["og:url"] == f"http://localhost{post}"
    form = browser.get("/account/profile").forms["profile-form"]
    form["about_me"] = "I boil water."
    form.submit(status=303)
    shared = metadata(browser.get("/users/susan"))
    assert (shared["og:type"], shared["og:description"]) == ("profile", "I boil water.")


def test_a_profile_is_shared_with_its_avatar_where_it_has_one(application, browser):
    user_id = enter(browser, "susan")
    icon = metadata(browser.get("/"))["og:image"]
    write(browser, "Kettles")
    post = browser.get("/users/susan").html.select(".post-when")[0]["href"]
    for path in ("/users/susan", post):
        assert metadata(browser.get(path))["og:image"] == icon
    name = give_portrait(application, user_id, AVATAR)
    for path in ("/users/susan", post):
        shared = metadata(browser.get(path))
        assert shared["og:image"] == f"http://localhost/media/{name}-0.webp"
        assert (shared["og:image:width"], shared["og:image:height"]) == ("384", "384")


@pytest.mark.parametrize("is_sensitive", [False, True])
def test_a_post_is_shared_with_its_first_picture_unless_it_is_sensitive(application, browser, is_sensitive):
    avatar = give_portrait(application, enter(browser, "susan"), AVATAR)
    write(browser, "Look")
    post = browser.get("/users/susan").html.select(".post-when")[0]["href"]
    pictures = tuple(ShownPicture(letter * 22, 800, 600, "#808080", f"A {letter}") for letter in "xy")
    with application.database.write() as session:
        session.execute(sa.update(Post).values(pictures=dump(ShownPictures(pictures, is_sensitive))))
    shared = metadata(browser.get(post))
    name = avatar if is_sensitive else "x" * 22
    assert shared["og:image"] == f"http://localhost/media/{name}-0.webp"
    assert shared.get("og:image:alt") == (None if is_sensitive else "A x")


def test_the_page_of_an_error_is_not_shared(browser):
    assert metadata(browser.get("/nothing", status=404)) == {}


@given(st.text(max_size=600))
def test_a_summary_is_one_line_that_begins_like_the_text(text):
    summary = summarize(text)
    line = " ".join(text.split())
    assert len(summary) <= MOST_CHARACTERS
    assert summary == line or line.startswith(summary.removesuffix("…"))


def test_a_summary_ends_with_a_whole_word():
    assert summarize("tea " * 100) == ("tea " * 49)[:-1] + "…"
    assert summarize("x" * 300) == "x" * 199 + "…"
    assert summarize(None) == ""
