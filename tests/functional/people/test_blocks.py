"""Blocking and muting people, as the people see it."""

from __future__ import annotations

import pytest

from microblog.accounts.queries import find_owner_id
from microblog.people.actions import follow, mute
from microblog.people.models import Block, Follow
from microblog.posts.actions import write as write_post
from tests.walk import bodies, enter, flashes, post_ids, token, write


def choose(browser, nickname, action):
    """Follow the link on the profile, or on the page in its place, and say yes; the page that comes then."""
    page = browser.get(f"/users/{nickname}", status="*")
    link = page.html.select_one(f'a[href^="/users/{nickname}/{action}"]')
    return browser.get(link["href"]).forms["relation-form"].submit(status=303).follow(status="*")


def test_blocking_ends_follows_and_neither_sees_the_other(susan, john, database):
    post = post_ids(write(susan, "by susan"))[0]
    write(john, "by john")
    with database.write() as session:
        ids = {name: find_owner_id(session, name) or 0 for name in ("susan", "john")}
        follow(session, ids["susan"], ids["john"])
        follow(session, ids["john"], ids["susan"])
    page = choose(susan, "john", "block")
    assert flashes(page) == ["You have blocked john."]
    assert page.status_int == 403
    assert "You have blocked this person." in page.text
    assert "by john" not in page.text
    with database.read() as session:
        assert session.query(Follow).count() == 0
    for browser, mine in ((susan, "by susan"), (john, "by john")):
        assert bodies(browser.get("/")) == [mine]
        assert bodies(browser.get("/explore")) == [mine]
    page = john.get("/users/susan", status=403)
    assert "This person has blocked you." in page.text
    page = john.get(f"/posts/{post}", status=403)
    assert "by susan" not in page.text
    page = choose(susan, "john", "unblock")
    assert flashes(page) == ["You no longer block john."]
    assert bodies(page) == ["by john"]
    assert not susan.get("/users/john").html.select(".follow button span")  # nobody follows again


@pytest.mark.parametrize("action", ["follow", "mute", "followers", "replies"])
def test_a_page_of_somebody_blocked_is_refused_with_a_sentence(susan, john, database, action):
    choose(susan, "john", "block")
    for browser, sentence in (
        (susan, "You have blocked this person."),
        (john, "This person has blocked you."),
    ):
        other = "john" if browser is susan else "susan"
        assert sentence in browser.get(f"/users/{other}/{action}", status=403).text


def test_a_reply_to_somebody_who_has_blocked_one_is_refused_and_not_lost(susan, john):
    post = post_ids(write(susan, "by susan"))[0]
    form = john.get(f"/posts/{post}").forms[f"reply-form-{post}"]
    form["body"] = "What I wanted to say"
    choose(susan, "john", "block")
    page = form.submit(status=403)
    assert "What I wanted to say" in page.text
    assert "its author has blocked you" in page.text


def test_both_may_block_and_each_takes_their_own_back(susan, john, database):
    choose(susan, "john", "block")
    choose(john, "susan", "block")
    page = choose(susan, "john", "unblock")
    assert "This person has blocked you." in page.text
    with database.read() as session:
        assert session.query(Block).count() == 1


def test_a_thread_does_not_show_what_somebody_blocked_has_written_in_it(susan, john, application):
    anna = application.browser()
    enter(anna, "anna")
    post = post_ids(write(anna, "by anna"))[0]
    for browser, body in ((john, "by john"), (susan, "by susan")):
        form = browser.get(f"/posts/{post}").forms[f"reply-form-{post}"]
        form["body"] = body
        form.submit(status=303)
    reply = post_ids(anna.get(f"/posts/{post}"))[1]
    form = anna.get(f"/posts/{reply}").forms[f"reply-form-{reply}"]
    form["body"] = "anna to john"
    form.submit(status=303)
    choose(susan, "john", "block")
    assert bodies(susan.get(f"/posts/{post}")) == ["by anna", "by susan"]
    answer = post_ids(susan.get("/users/anna/replies"))[0]
    page = susan.get(f"/posts/{answer}")
    assert "by somebody whom you do not see" in page.text
    assert "john" not in page.html.select_one("main").get_text().replace("anna to john", "")


def test_muting_leaves_the_profile_and_nothing_in_the_lists(susan, john, database):
    write(john, "by john")
    with database.write() as session:
        follow(session, find_owner_id(session, "susan") or 0, find_owner_id(session, "john") or 0)
    page = choose(susan, "john", "mute")
    assert flashes(page) == ["You have muted john."]
    assert "You have muted this person" in page.text
    assert bodies(page) == ["by john"]
    assert bodies(susan.get("/")) == bodies(susan.get("/explore")) == []
    assert bodies(john.get("/")) == ["by john"]
    page = susan.get("/account/mutes")
    assert [name.get_text() for name in page.html.select(".person-name bdi")] == ["john"]
    assert flashes(choose(susan, "john", "unmute")) == ["You no longer mute john."]
    assert bodies(susan.get("/")) == ["by john"]


def test_the_lists_of_blocked_and_muted_people_say_when_they_are_empty(susan, john):
    assert "You have blocked nobody" in susan.get("/account/blocks").text
    assert "You have muted nobody" in susan.get("/account/mutes").text
    choose(susan, "john", "block")
    page = susan.get("/account/blocks")
    assert [name.get_text() for name in page.html.select(".person-name bdi")] == ["john"]
    link = page.html.select_one('a[href^="/users/john/unblock"]')["href"]
    page = susan.get(link).forms["relation-form"].submit(status=303).follow()
    assert page.request.path == "/account/blocks"
    assert "There is nobody else here." in susan.get("/account/blocks?before=5").text
    assert "There is nobody else here." in susan.get("/account/mutes?before=5").text


@pytest.mark.parametrize(
    ("action", "sentence"),
    [("block", "You cannot block yourself."), ("mute", "You cannot mute yourself.")],
)
def test_nobody_blocks_or_mutes_themselves(susan, action, sentence):
    assert sentence in susan.get(f"/users/susan/{action}", status=403).text
    assert sentence in susan.post(f"/users/susan/{action}", {"csrf_token": token(susan)}, status=403).text


def test_blocking_twice_is_the_same_as_once(susan, john, database):
    for _ in range(2):
        susan.post("/users/john/block", {"csrf_token": token(susan)}, status=303)
    with database.read() as session:
        assert session.query(Block).count() == 1


def test_somebody_who_hides_whoever_writes_most_is_led_on(make_application):
    """A page looks through ten pages of posts, not through all of them."""
    application = make_application({"microblog.page_size": "2"})
    susan = application.browser()
    susan_id, loud_id = enter(susan, "susan"), enter(application.browser(), "loud")
    with application.database.write() as session:
        write_post(session, susan_id, "the oldest")
        for number in range(30):
            write_post(session, loud_id, f"loud {number}")
    susan.post("/users/loud/mute", {"csrf_token": token(susan)}, status=303)
    page = susan.get("/explore")
    assert bodies(page) == []
    page = susan.get(page.html.select_one('a[rel="next"]')["href"])
    assert bodies(page) == ["the oldest"]


def test_a_search_for_what_somebody_muted_has_written_looks_through_ten_pages(make_application):
    application = make_application({"microblog.page_size": "2"})
    susan = application.browser()
    susan_id, loud_id = enter(susan, "susan"), enter(application.browser(), "loud")
    with application.database.write() as session:
        write_post(session, susan_id, "tea")
        for number in range(40):
            write_post(session, loud_id, f"tea {number}")
        mute(session, susan_id, loud_id)
    pages = [susan.get("/search?q=tea")]
    while link := pages[-1].html.select_one('a[rel="next"]'):
        pages.append(susan.get(link["href"]))
    assert [bodies(page) for page in pages] == [[], ["tea"]]
