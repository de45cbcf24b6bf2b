"""Every act notifies its event once, in its transaction, in whichever way it is done."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from typing import Any

import pytest
import sqlalchemy as sa
from pyramid.config import Configurator

from benchmarks.demo import fill
from microblog.accounts.events import AccountCreated, Renamed
from microblog.accounts.models import User
from microblog.accounts.queries import find_owner_id
from microblog.db import StaleData
from microblog.events import Change
from microblog.importing.importer import Importer
from microblog.people.actions import follow
from microblog.people.events import Followed, Unfollowed
from microblog.people.rules import FollowsOneself
from microblog.posts.actions import delete, import_posts, write
from microblog.posts.events import PostDeleted, PostWritten
from tests.conftest import Application
from tests.walk import bodies, enter, post_ids
from tests.walk import write as write_by_page

EVENTS = (AccountCreated, Renamed, Followed, Unfollowed, PostWritten, PostDeleted)


class Subscriber:
    """Remembers the events, but not their session."""

    def __init__(self) -> None:
        self.events: list[tuple[type, dict[str, Any]]] = []

    def __call__(self, event: Change) -> None:
        assert event.session.in_transaction()
        values = {field.name: getattr(event, field.name) for field in fields(event)}
        del values["session"]
        self.events.append((type(event), values))

    def of(self, kind: type) -> list[dict[str, Any]]:
        return [values for found, values in self.events if found is kind]


@pytest.fixture
def subscriber() -> Subscriber:
    return Subscriber()


@pytest.fixture
def subscribed(make_application: Callable[..., Application], subscriber: Subscriber) -> Application:
    def extend(config: Configurator) -> None:
        for event in EVENTS:
            config.add_subscriber(subscriber, event)

    return make_application(extend=extend)


def user_id(application: Application, nickname: str) -> int:
    with application.database.read() as session:
        return find_owner_id(session, nickname) or 0


def submit(browser: Any, path: str, form: str) -> None:
    browser.get(path).forms[form].submit(status=303)


def test_signing_up_notifies_one_event(subscribed, subscriber):
    enter(subscribed.browser(), "susan")
    created = {"user_id": user_id(subscribed, "susan"), "nickname": "susan", "imported": False}
    assert subscriber.events == [(AccountCreated, created)]


def test_writing_and_deleting_a_post_notify_events(subscribed, subscriber):
    browser = subscribed.browser()
    enter(browser, "susan")
    post_id = post_ids(write_by_page(browser, "Hello"))[0]
    submit(browser, f"/posts/{post_id}/delete", "delete-form")
    post = {"post_id": post_id, "author_id": user_id(subscribed, "susan"), "imported": False}
    assert subscriber.of(PostWritten) == [{**post, "body": "Hello", "language": None, "reply_to": None}]
    assert subscriber.of(PostDeleted) == [post]


def test_a_double_click_notifies_one_event(subscribed, subscriber):
    browser = subscribed.browser()
    enter(browser, "susan")
    form = browser.get("/").forms["compose-form"]
    form["body"] = "Hello"
    for _ in range(2):
        form.submit(status=303)
    assert len(subscriber.of(PostWritten)) == 1
    fields = dict(browser.get("/").forms["compose-form"].submit_fields()) | {"body": "Many clicks"}
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())

    def click(number: int) -> int:
        answer = subscribed.browser().post("/posts/", fields, {"Cookie": cookies}, status=303)
        return answer.status_int

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(click, range(4)))
    assert [post["body"] for post in subscriber.of(PostWritten)] == ["Hello", "Many clicks"]


def test_following_and_unfollowing_twice_notify_one_event_each(subscribed, subscriber):
    john, susan = subscribed.browser(), subscribed.browser()
    enter(john, "john")
    enter(susan, "susan")
    for name in ("follow", "follow", "unfollow", "unfollow"):
        submit(susan, f"/users/john/{name}", "follow-form")
    both = {
        "follower_id": user_id(subscribed, "susan"),
        "followee_id": user_id(subscribed, "john"),
        "imported": False,
    }
    assert subscriber.of(Followed) == subscriber.of(Unfollowed) == [both]


def test_a_profile_that_keeps_its_nickname_renames_nobody(subscribed, subscriber):
    browser = subscribed.browser()
    enter(browser, "susan")
    for nickname in ("susan", "Susanna", "Susanna"):
        form = browser.get("/account/profile").forms["profile-form"]
        form["nickname"], form["about_me"] = nickname, "Gardener"
        form.submit(status=303)
    renamed = {"former": "susan", "nickname": "Susanna", "imported": False}
    assert subscriber.of(Renamed) == [{"user_id": user_id(subscribed, "susan"), **renamed}]


def test_a_change_that_a_subscriber_refuses_is_rolled_back(make_application, caplog):
    """It works in the transaction of the action."""

    def refuse(event: PostWritten) -> None:
        event.session.execute(sa.update(User).values(about_me="I write"))
        raise RuntimeError("no")

    application = make_application(extend=lambda config: config.add_subscriber(refuse, PostWritten))
    browser = application.browser()
    enter(browser, "susan")
    form = browser.get("/").forms["compose-form"]
    form["body"] = "Hello"
    form.submit(status=500)
    page = browser.get("/users/susan")
    assert bodies(page) == []
    assert "I write" not in page
    caplog.clear()


def test_events_of_imported_authors_and_posts_say_so(subscribed, subscriber, tmp_path):
    lines = [
        {"author": "susan", "body": body, "created": "2020-01-31T12:00:00Z"} for body in ("One", "Two", "One")
    ]
    file = tmp_path / "posts.jsonl"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    for digest in ("first", "again"):
        importer = Importer(subscribed.database, max_length=280, on_bad_line=lambda number, sentence: None)
        with file.open("rb") as opened:
            list(importer.run(opened, digest, "posts.jsonl", None))
    susan = user_id(subscribed, "susan")
    assert subscriber.of(AccountCreated) == [{"user_id": susan, "nickname": "susan", "imported": True}]
    written = subscriber.of(PostWritten)
    assert [(post["author_id"], post["body"], post["imported"]) for post in written] == [
        (susan, "One", True),
        (susan, "Two", True),
    ]


def test_events_of_a_demonstration_say_that_they_are_imported(subscribed, subscriber):
    with subscribed.database.write() as session:
        count = fill(session, "no hash", 280)
    assert len(subscriber.of(PostWritten)) == count
    assert {kind for kind, _ in subscriber.events} == {AccountCreated, PostWritten, Followed}
    assert all(values["imported"] for _, values in subscriber.events)


def test_a_refused_action_notifies_no_event(subscribed, subscriber):
    database = subscribed.database
    enter(subscribed.browser(), "susan")
    enter(subscribed.browser(), "john")
    susan, john = user_id(subscribed, "susan"), user_id(subscribed, "john")
    with pytest.raises(FollowsOneself, match="You cannot follow yourself"), database.write() as session:
        follow(session, susan, susan)
    with database.write() as session:
        post_id = write(session, susan, "Hello", language="en")
    with pytest.raises(StaleData), database.write() as session:
        delete(session, post_id, john)
    assert [kind for kind, _ in subscriber.events] == [AccountCreated, AccountCreated, PostWritten]


def test_a_post_whose_id_is_taken_is_not_imported_and_notifies_no_event(subscribed, subscriber):
    browser = subscribed.browser()
    enter(browser, "susan")
    post_id = post_ids(write_by_page(browser, "Here already"))[0]
    subscriber.events.clear()
    row = {"id": post_id, "user_id": user_id(subscribed, "susan"), "body": "Later", "language": None}
    with subscribed.database.write() as session:
        assert import_posts(session, [{**row, "form_key": None}]) == 0
    assert subscriber.events == []
