"""Liking, boosting and bookmarking: what one sees of it."""

from __future__ import annotations

import pytest

from microblog.accounts.queries import find_owner_id
from microblog.db import StaleData
from microblog.people.actions import block
from microblog.reactions import actions
from microblog.reactions.events import Boosted, Liked, Unliked
from tests.competing import before_the_next_write
from tests.walk import PASSWORD, bodies, enter, post_ids, token, write


@pytest.fixture
def post(susan):
    """A post of susan."""
    return post_ids(write(susan, "What do you read?"))[0]


def press(browser, name, post_id, *, path="/explore"):
    """Press a button below a post of this page; the page that comes then."""
    page = browser.get(path)
    button = page.html.select_one(f'[data-post-id="{post_id}"] #{name}-{post_id}')
    fields = dict(page.forms["react"].submit_fields())
    answer = browser.post(button["formaction"], fields, status=303)
    assert answer.location == f"http://localhost{path}#reactions-{post_id}"
    return answer.follow()


def shown(page, post_id):
    """The pressed buttons, and the numbers beside them."""
    row = page.html.select_one(f"#reactions-{post_id}")
    pressed = [button.get_text() for button in row.select("[aria-pressed=true]")]
    return pressed, [count["aria-label"] for count in row.select(".react-count")]


def names(page):
    return [name.get_text() for name in page.html.select(".person-name")]


def test_what_is_pressed_is_done_and_pressed_again_is_undone(susan, john, post):
    assert shown(john.get("/explore"), post) == ([], [])
    assert shown(press(john, "like", post), post) == (["Like"], ["1 like"])
    assert shown(press(john, "boost", post), post) == (["Boost", "Like"], ["1 boost", "1 like"])
    assert shown(press(john, "bookmark", post), post) == (
        ["Boost", "Like", "Bookmark"],
        ["1 boost", "1 like"],
    )
    assert shown(press(susan, "like", post), post) == (["Like"], ["1 boost", "2 likes"])
    for name in ("like", "boost", "bookmark"):
        page = press(john, name, post, path=f"/posts/{post}")
    assert shown(page, post) == ([], ["1 like"])


def test_a_get_asks_and_a_form_that_comes_twice_is_done_once(susan, john, post):
    page = john.get(f"/posts/{post}/like", {"next": "/explore?before=9"})
    assert page.html.h1.get_text() == "Like this post?"
    assert bodies(page) == ["What do you read?"]
    form = page.forms["react-form"]
    for _ in range(2):
        location = form.submit(status=303).location
        assert location == f"http://localhost/explore?before=9#reactions-{post}"
    assert shown(john.get(f"/posts/{post}"), post) == (["Like"], ["1 like"])
    for _ in range(2):
        form = john.get(f"/posts/{post}/unlike").forms["react-form"]
        assert form.submit(status=303).location == f"http://localhost/posts/{post}#reactions-{post}"
    assert shown(john.get(f"/posts/{post}"), post) == ([], [])


def test_who_likes_and_who_boosts_is_listed_and_visitors_see_the_counts(application, susan, john, post):
    visitor = application.browser()
    assert not visitor.get("/").html.select(".post-actions")
    press(susan, "like", post)
    page = visitor.get(f"/posts/{post}/boosts")
    assert "Nobody so far" in page.text
    press(john, "like", post)
    form = john.get(f"/posts/{post}/boosts").forms["react-form"]
    page = form.submit(status=303).follow()
    assert page.html.select_one("#react-form button").get_text() == "Take it back"
    page = visitor.get("/")
    assert page.html.select_one(".post-actions").get_text(" ", strip=True) == "1 boost 2 likes"
    assert not page.html.select("button.react")
    page = page.click("2 likes")
    assert names(page) == ["john", "susan"]
    assert names(page.click("1 boost")) == ["john"]
    assert "react-form" not in page.forms


def test_a_long_list_is_paged(make_application):
    application = make_application({"microblog.page_size": "2"})
    browsers = [application.browser() for _ in range(3)]
    for number, browser in enumerate(browsers):
        enter(browser, f"person{number}")
    ids = [post_ids(write(browsers[0], body))[0] for body in ("one", "two", "three")]
    for browser in browsers:
        press(browser, "like", ids[0], path="/explore?before=" + str(ids[1]))
    page = browsers[0].get(f"/posts/{ids[0]}/likes")
    assert names(page) == ["person2", "person1"]
    page = page.click("More people")
    assert names(page) == ["person0"]
    assert names(page.click("First people")) == ["person2", "person1"]
    for post_id in ids[1:]:
        page = press(browsers[0], "like", post_id)
    assert [count["aria-label"] for count in page.html.select(".react-count")] == ["1 like", "1 like"]
    for post_id in ids:
        press(browsers[0], "bookmark", post_id, path=f"/posts/{post_id}")
    page = browsers[0].get("/account/bookmarks")
    assert bodies(page) == ["three", "two"]
    page = page.click("Older posts")
    assert bodies(page) == ["one"]
    assert "You are up to date" in page.text
    assert "No older posts" in browsers[0].get("/account/bookmarks?before=1").text


def test_ones_own_lists_are_for_oneself_and_lose_what_is_gone(susan, john, post):
    assert "No bookmarks yet" in susan.get("/account/bookmarks")
    assert "You like nothing yet" in susan.get("/account/likes")
    answer = post_ids(write(john, "A book"))[0]
    press(susan, "bookmark", post)
    press(susan, "bookmark", answer)
    press(susan, "like", answer)
    page = susan.get("/users/susan").click("Bookmarks")
    assert bodies(page) == ["A book", "What do you read?"]
    assert bodies(page.click("Likes", href="/account/likes")) == ["A book"]
    assert "No bookmarks yet" in john.get("/account/bookmarks")
    assert "Bookmarks" not in john.get("/users/susan").html.select_one(".tabs").get_text()
    john.get(f"/posts/{answer}/delete").forms["delete-form"].submit(status=303)
    assert bodies(susan.get("/account/bookmarks")) == ["What do you read?"]
    assert bodies(susan.get("/account/likes")) == []


@pytest.mark.parametrize("name", ["like", "unlike", "boost", "unboost", "bookmark", "unbookmark"])
def test_with_a_post_that_is_gone_nothing_is_done(database, susan, john, post, name):
    form = john.get(f"/posts/{post}/{name}").forms["react-form"]

    def delete():
        susan.get(f"/posts/{post}/delete").forms["delete-form"].submit(status=303)

    with before_the_next_write(database, delete):
        assert "This post was deleted." in form.submit(status=410)
    assert "This post was deleted." in form.submit(status=410)
    john.get(f"/posts/{post}/{name}", status=410)
    for path in (f"/posts/1/{name}", f"/posts/{'9' * 30}/{name}"):
        john.get(path, status=404)
        john.post(path, {"csrf_token": token(john)}, status=404)


def test_a_visitor_logs_in_and_lands_on_the_question(application, susan, post):
    visitor = application.browser()
    page = visitor.get(f"/posts/{post}/boost", status=303).follow()
    form = page.forms["login-form"]
    form["nickname"], form["password"] = "susan", PASSWORD
    page = form.submit(status=303).follow()
    assert page.html.h1.get_text() == "Boost this post?"


def test_who_was_logged_out_meanwhile_is_asked_again(application, susan, john, post):
    page = john.get("/explore")
    fields = dict(page.forms["react"].submit_fields())
    john.reset()
    page = john.post(f"/posts/{post}/like", fields, status="4*")
    form = page.forms["login-form"]
    form["nickname"], form["password"] = "john", PASSWORD
    page = form.submit(status=303).follow()
    assert page.html.h1.get_text() == "Like this post?"
    page = page.forms["react-form"].submit(status=303).follow()
    assert shown(page, post) == (["Like"], ["1 like"])


def test_without_a_token_or_with_a_field_of_nobody_nothing_is_done(john, post):
    john.post(f"/posts/{post}/like", {}, status="4*")
    john.post(f"/posts/{post}/like", {"csrf_token": token(john), "color": "red"}, status=400)
    assert shown(john.get("/explore"), post) == ([], [])


def test_who_has_blocked_or_is_blocked_likes_nothing(database, susan, john, post):
    press(john, "like", post)
    with database.write() as session:
        ids = [find_owner_id(session, name) or 0 for name in ("susan", "john")]
        block(session, ids[0], ids[1])
    john.get(f"/posts/{post}/like", status="4*")
    assert bodies(john.get("/account/likes")) == []
    assert names(susan.get(f"/posts/{post}/likes")) == []
    with pytest.raises(StaleData), database.write() as session:
        actions.boost(session, ids[1], post)
    with database.write() as session:
        assert actions.unlike(session, ids[1], post)
    assert shown(susan.get("/explore"), post) == ([], [])


def test_likes_and_boosts_are_limited(make_application):
    limits = {
        "microblog.limits.likes.per_account": "1 per hour",
        "microblog.limits.boosts.per_account": "1 per hour",
    }
    browser = make_application(limits).browser()
    enter(browser, "susan")
    post_id = post_ids(write(browser, "Hello"))[0]
    for name, sentence in (("like", "You have liked, or bookmarked,"), ("boost", "You have boosted")):
        page = press(browser, name, post_id)
        fields = dict(page.forms["react"].submit_fields())
        assert sentence in browser.post(f"/posts/{post_id}/{name}", fields, status=429)


def test_events_say_what_is_new(make_application):
    seen = []

    def extend(config):
        for event in (Liked, Unliked, Boosted):
            config.add_subscriber(lambda event: seen.append((type(event), event.imported)), event)

    application = make_application(extend=extend)
    browser = application.browser()
    enter(browser, "susan")
    post_id = post_ids(write(browser, "Hello"))[0]
    for name in ("like", "like", "unlike", "unlike", "bookmark"):
        browser.get(f"/posts/{post_id}/{name}").forms["react-form"].submit(status=303)
    with application.database.write() as session:
        assert actions.boost(session, find_owner_id(session, "susan") or 0, post_id, imported=True)
    assert seen == [(Liked, False), (Unliked, False), (Boosted, True)]


def test_a_like_is_one_statement_besides_what_tells_the_author(count_statements, susan, john, post):
    """As dear as a post: the first time, the second, and when it is taken back."""
    fields = {"csrf_token": token(john)}

    def count(name):
        with count_statements() as statements:
            john.post(f"/posts/{post}/{name}", fields, status=303)
        # Without what FTS5 asks of each transaction.
        return len([each for each in statements if "search_" not in each])

    # The session, the post, the session again, the limit, the like, its author, and two for the notification.
    assert count("like") == 8
    # Why it is not a new one.
    assert count("like") == 6
    assert count("unlike") == 7
