"""Posts that are published some seconds after they were written, and can be taken back until then."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from microblog.accounts.queries import find_owner_id
from microblog.db import StaleData
from microblog.ids import SEQUENCE_BITS, get_now, new_id
from microblog.outbox.models import Entry
from microblog.people.actions import block
from microblog.posts import actions
from microblog.posts.events import PostDeleted, PostPublished, PostWritten
from microblog.posts.models import DeletedPost, Post
from microblog.posts.publishing import UNDO_SECONDS
from microblog.posts.queries import take_own_post
from tests.walk import bodies, enter, flashes, post_ids, token, user_id_of, write

SECONDS = 100
GERMAN = "Das ist ein kleiner Satz auf Deutsch."


class Heard:
    """What has happened to posts."""

    def __init__(self) -> None:
        self.events: list[PostWritten | PostPublished | PostDeleted] = []

    def subscribe(self, config):
        for kind in (PostWritten, PostPublished, PostDeleted):
            config.add_subscriber(self.events.append, kind)

    @property
    def names(self):
        return [type(event).__name__ for event in self.events]


@pytest.fixture
def heard():
    return Heard()


@pytest.fixture
def site(make_application, heard):
    """A site where one has a hundred seconds to take a post back."""
    return make_application({UNDO_SECONDS.key: str(SECONDS)}, extend=heard.subscribe)


@pytest.fixture
def susan(site):
    browser = site.browser()
    enter(browser, "susan")
    return browser


@pytest.fixture
def john(site):
    """He follows susan."""
    browser = site.browser()
    enter(browser, "susans_reader")
    return browser


def let_the_time_pass(site):
    """As if all had been done a hundred seconds earlier."""
    milliseconds = SECONDS * 1000
    with site.database.write() as session:
        for post_id in session.scalars(sa.select(Post.id).order_by(Post.id)).all():
            earlier = post_id - (milliseconds << SEQUENCE_BITS)
            session.execute(sa.update(Post).where(Post.id == post_id).values(id=earlier))
            entries = sa.update(Entry).where(Entry.kind == actions.PUBLISHING, Entry.key == str(post_id))
            session.execute(entries.values(key=str(earlier), next_at=Entry.next_at - milliseconds))
            session.execute(sa.update(Post).where(Post.reply_to == post_id).values(reply_to=earlier))


def deliver(site):
    return site.registry.outbox.deliver(actions.PUBLISHING)


def test_others_see_a_post_when_its_time_has_come(site, susan, john, heard):
    john.get("/users/susan").forms["follow-form"].submit(status=303)
    page = write(susan, "The kettle sings.")
    assert flashes(page) == ["It will be published in 100 seconds. Until then you can take it back."]
    assert next(each.get_text() for each in page.html.select(".post-waits p")) in (
        "Will be published in 100 seconds",
        "Will be published in 99 seconds",
    )
    (post,) = post_ids(page)
    lists = ("/", "/explore", "/explore?lang=en", "/users/susan", "/users/susan/replies", "/search?q=kettle")
    for path in lists:
        for browser in (john, site.browser()):
            assert bodies(browser.get(path)) == [], path
            assert "/undo" not in browser.get(path).text
        own = bodies(susan.get(path))
        assert own == ([] if "lang" in path else ["The kettle sings."]), path
    for address in (f"/posts/{post}", f"/posts/{post}/versions/", f"/posts/{post}/replies"):
        assert "Post not found." in john.get(address, status=404).text
    assert (
        john.get("/updates?timeline=home").json["count"] == site.browser().get("/updates").json["count"] == 0
    )
    assert deliver(site) == 0
    assert heard.names == ["PostWritten"]

    let_the_time_pass(site)
    for path in lists:
        if "lang" not in path:  # in which language it is, nobody knows
            assert bodies(john.get(path)) == ["The kettle sings."], path
            assert not susan.get(path).html.select(".post-waits"), path
    assert (
        john.get("/updates?timeline=home").json["count"] == site.browser().get("/updates").json["count"] == 1
    )
    assert deliver(site) == 1
    assert deliver(site) == 0
    assert heard.names == ["PostWritten", "PostPublished"]
    (published,) = heard.events[1:]
    assert published.post_id == post_ids(john.get("/"))[0]


def test_what_is_taken_back_was_never_there_and_its_text_is_in_the_form(site, susan, john, heard):
    form = susan.get("/").forms["compose-form"]
    form["body"], form["language"] = GERMAN, "nl"
    (post,) = post_ids(form.submit(status=303).follow())
    page = susan.get(f"/posts/{post}").forms[f"undo-{post}"].submit(status=303).follow()
    assert flashes(page) == [
        "You have taken it back before anybody else could see it. Here is your text, not sent."
    ]
    form = page.forms["compose-form"]
    assert (form["body"].value, form["language"].value) == (GERMAN, "nl")
    for browser in (susan, john):
        browser.get(f"/posts/{post}", status=404)
    assert bodies(susan.get("/")) == []
    with site.database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(DeletedPost)) == 0
    let_the_time_pass(site)
    deliver(site)
    assert heard.names == ["PostWritten", "PostDeleted"]
    assert bodies(form.submit(status=303).follow()) == [GERMAN]


def test_taking_back_is_asked_for_and_done_once(site, susan):
    (post,) = post_ids(write(susan, GERMAN))
    page = susan.get(f"/posts/{post}/undo")
    assert "Nobody else has seen it yet." in page.text
    form = page.forms[f"undo-{post}"]
    assert form.submit(status=303).location == form.submit(status=303).location
    page = form.submit(status=303).follow()
    assert page.forms["compose-form"]["language"].value == ""  # it is detected again


def test_a_reply_is_taken_back_into_the_form_of_the_reply(site, susan, john):
    (post,) = post_ids(write(susan, "What do you read?"))
    let_the_time_pass(site)
    (post,) = post_ids(susan.get("/"))
    form = john.get(f"/posts/{post}").forms[f"reply-form-{post}"]
    form["body"] = "A book"
    page = form.submit(status=303).follow()
    assert "It will be published in 100 seconds." in flashes(page)[0]
    assert bodies(page) == ["What do you read?", "A book"]
    assert bodies(susan.get(f"/posts/{post}")) == ["What do you read?"]
    page = page.forms[f"undo-{post_ids(page)[1]}"].submit(status=303).follow()
    assert page.request.path == f"/posts/{post}/replies"
    assert page.forms[f"reply-form-{post}"]["body"].value == "A book"


def test_what_is_published_is_not_taken_back(site, susan, john):
    (post,) = post_ids(write(susan, "The kettle sings."))
    form = susan.get("/").forms[f"undo-{post}"]
    let_the_time_pass(site)
    (now,) = post_ids(susan.get("/"))
    page = susan.get(f"/posts/{now}/undo", status=303).follow()
    assert flashes(page) == ["It is published by now, so it cannot be taken back. You can delete it."]
    page = susan.post(f"/posts/{now}/undo", {"csrf_token": token(susan)}, status=303).follow()
    assert "published by now" in flashes(page)[0]
    form.submit(status=404)
    assert john.post(f"/posts/{now}/undo", {"csrf_token": token(john)}, status=403)
    assert bodies(john.get("/explore")) == ["The kettle sings."]


def test_a_page_with_a_post_that_waits_asks_for_what_others_write_meanwhile(site, susan, john):
    susan.get("/users/susans_reader").forms["follow-form"].submit(status=303)
    write(susan, "First")
    let_the_time_pass(site)
    write(susan, "The kettle sings.")
    for path in ("/", "/explore"):
        updates = susan.get(path).html.select_one("[data-updates]")["data-updates"]
        assert susan.get(updates).json["count"] == 0
    with site.database.write() as session:
        actions.write(session, find_owner_id(session, "susans_reader") or 0, "Mine hums.")  # as the API does
    for path in ("/", "/explore"):
        shown = susan.get(path)
        assert bodies(shown) == ["The kettle sings.", "Mine hums.", "First"]
        assert susan.get(updates).json["count"] == 1
    let_the_time_pass(site)
    assert susan.get(updates.replace("after=", "after=0&was=")).json["count"] == 1
    susan.get("/updates?own=x", status=400)


def test_ids_that_are_made_meanwhile_are_not_pushed_ahead(site, susan):
    (post,) = post_ids(write(susan, "The kettle sings."))
    assert post >> SEQUENCE_BITS > get_now() + (SECONDS - 50) * 1000
    assert new_id() < post


def test_without_the_setting_a_post_is_published_at_once(make_application, heard):
    application = make_application(extend=heard.subscribe)
    browser = application.browser()
    enter(browser, "susan")
    page = write(browser, "The kettle sings.")
    assert flashes(page) == ["Your post is now live!"]
    assert "undo" not in page.text
    assert heard.names == ["PostWritten", "PostPublished"]
    with application.database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).where(Entry.kind == actions.PUBLISHING)) == 0


def test_a_reply_is_taken_back_with_its_text_when_nobody_is_to_be_answered_any_more(site, susan, john):
    (post,) = post_ids(write(susan, "What do you read?"))
    let_the_time_pass(site)
    (post,) = post_ids(susan.get("/"))
    form = john.get(f"/posts/{post}").forms[f"reply-form-{post}"]
    form["body"] = "A book"
    page = form.submit(status=303).follow()
    with site.database.write() as session:
        who, whom = (find_owner_id(session, name) for name in ("susan", "susans_reader"))
        assert who is not None
        assert whom is not None
        block(session, who, whom)
    page = john.get(f"/posts/{post_ids(page)[1]}")
    page = page.forms[f"undo-{post_ids(page)[-1]}"].submit(status=303).follow(status="*")
    assert "A book" in page.text, (page.status, page.request.path)


def test_a_post_that_is_not_ones_own_or_gone_is_not_taken_back(database, susan):
    write(susan, "Mine")
    (post_id,) = post_ids(susan.get("/explore"))
    me = user_id_of(susan)
    for number, author_id in ((post_id, me + 1), (post_id + 1, me)):
        with database.write() as session, pytest.raises(StaleData):
            take_own_post(session, number, author_id)
    assert post_ids(susan.get("/explore")) == [post_id]
