"""What packages add below the text of posts."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyramid.exceptions import ConfigurationConflictError

from tests.walk import bodies, enter, write

TEMPLATES = Path(__file__).with_name("templates")
DOG, CAT = str(TEMPLATES / "dog.jinja2"), str(TEMPLATES / "cat.jinja2")


def actions(page):
    return [element.get_text(" ", strip=True) for element in page.html.select("article .post-actions")]


def test_a_post_without_actions_has_no_row_of_them(application):
    susan = application.browser()
    enter(susan, "susan")
    write(susan, "Hello")
    assert actions(application.browser().get("/explore")) == []


def test_actions_are_shown_in_their_order_and_know_the_post(make_application):
    def extend(config):
        config.add_post_action("cat", template=CAT, order=92)
        config.add_post_action(
            "dog", template=DOG, order=91, shown=lambda request, post: "dog" in post.body and request.identity
        )

    application = make_application(extend=extend)
    susan = application.browser()
    enter(susan, "susan")
    write(susan, "a cat")
    page = write(susan, "a dog")
    assert bodies(page) == ["a dog", "a cat"]
    assert [each.endswith("Pat “a dog” Feed the cat") for each in actions(page)] == [True, False]
    assert actions(application.browser().get("/explore")) == ["Feed the cat", "Feed the cat"]


def test_two_actions_of_one_name_are_a_conflict(make_application):
    def one(config):
        config.add_post_action("pet", template=CAT, order=1)

    def other(config):
        config.add_post_action("pet", template=DOG, order=2)

    def extend(config):
        config.include(one)
        config.include(other)
        config.commit()

    with pytest.raises(ConfigurationConflictError):
        make_application(extend=extend)
