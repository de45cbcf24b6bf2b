"""A post is the same HTML whether the function or the macro writes it, and nothing typed is markup."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from microblog.accounts.actions import set_display_name
from microblog.accounts.queries import add_user
from microblog.people.actions import follow
from microblog.posts.actions import edit, write
from microblog.reactions.actions import boost
from tests.walk import bodies, enter

CAT = str(Path(__file__).with_name("templates") / "cat.jinja2")
HOSTILE = "<b>\"bold\"</b> & 'co' {{ 7 * 7 }} %(name)s %s"


@pytest.fixture
def susan(make_application):
    """Somebody whose home page has every kind of post; with `?cat` each has an action that is a template."""

    def extend(config):
        config.add_post_action(
            "cat", template=CAT, order=99, shown=lambda request, post: "cat" in request.GET
        )

    application = make_application(extend=extend)
    browser = application.browser(SCRIPT_NAME="/a&b")
    susan = enter(browser, "susan")
    with application.database.write() as session:
        tomas, ada = add_user(session, "tomas"), add_user(session, "ada")
        set_display_name(session, tomas, HOSTILE)
        follow(session, susan, tomas)
        own = write(session, susan, "my own", language="en")
        write(session, tomas, HOSTILE, language="de")
        write(session, tomas, "an answer", reply_to=own)
        edited = write(session, susan, "with a mistake")
        edit(session, edited, susan, "without one, for @tomas #tea", language=None, version=1)
        boost(session, tomas, write(session, ada, "boosted"))
    return browser


def without_the_cat(page):
    """The posts, with one space for whatever is between elements."""
    for cat in page.html.select("a[href='#cat']"):
        cat.decompose()
    posts = [re.sub(r"\s*\n\s*", "\n", str(each)) for each in page.html.select("article")]
    return [re.sub(r"\s*(<[^>]+>)\s*", r"\1", post).replace("%3Fcat%3D1", "") for post in posts]


def test_the_function_and_the_macro_write_the_same(susan):
    drawn, by_macro = susan.get("/"), susan.get("/?cat=1")
    assert len(by_macro.html.select("a[href='#cat']")) == len(drawn.html.select("article")) == 5
    assert without_the_cat(drawn) == without_the_cat(by_macro)


def test_what_somebody_has_typed_is_no_markup(susan):
    page = susan.get("/")
    assert HOSTILE in bodies(page)
    assert page.html.select("article b") == []
    names = {
        each.get_text()
        for each in page.html.select(".post-author .display-name, .post-booster .display-name")
    }
    assert names == {HOSTILE}


def test_addresses_of_posts_are_escaped_below_a_mount_point(susan):
    page = susan.get("/")
    assert 'href="/a&amp;b/posts/' in page.text
    assert 'href="/a&b/posts/' not in page.text
