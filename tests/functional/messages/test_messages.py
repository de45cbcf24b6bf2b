"""Private messages, as people write, read and delete them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from webtest import TestApp

from microblog.accounts import actions as accounts
from microblog.accounts.actions import go, leave
from microblog.accounts.models import LoginSession, User
from microblog.messages import actions, queries
from microblog.messages.events import MessageWritten
from microblog.messages.models import Message, MessageThread
from microblog.messages.rules import CannotWrite
from microblog.messages.settings import MAX_LENGTH
from microblog.people.actions import block, follow, mute, unblock
from microblog.posts.models import Mention
from microblog.web.pages import PAGE_SIZE
from tests.competing import before_the_next_write
from tests.conftest import Application
from tests.functional.test_compression import ask, encoding
from tests.walk import PASSWORD, enter, flashes, log_in, sign_up, write


@dataclass
class Two:
    """Susan and john, each with a browser and an id."""

    application: Application
    susan: TestApp
    john: TestApp
    susan_id: int
    john_id: int

    def run(self, action: Any, *args: Any, **more: Any) -> Any:
        with self.application.database.write() as session:
            return action(session, *args, **more)

    def send(self, body: str, *, by_john: bool = False) -> int:
        """By the action: a message of susan to john, or the other way round; its id."""
        ids = (self.john_id, self.susan_id) if by_john else (self.susan_id, self.john_id)
        return int(self.run(actions.write, *ids, body))


@pytest.fixture
def two(application) -> Two:
    susan, john = application.browser(), application.browser()
    return Two(application, susan, john, enter(susan, "susan"), enter(john, "john"))


def send(browser: TestApp, nickname: str, body: str, status: int = 303) -> Any:
    """By the form of the thread."""
    form = browser.get(f"/messages/{nickname}").forms["message-form"]
    form["message"] = body
    answer = form.submit(status=status)
    return answer.follow() if status == 303 else answer


def texts(page: Any) -> list[str]:
    """Of the messages on the page of a thread, from above."""
    return [element.get_text() for element in page.html.select(".message .post-body")]


def lines(page: Any) -> list[str]:
    """The threads of a list, from above: who, and the last line."""
    return [
        " | ".join(
            each.select_one(part).get_text(" ", strip=True) for part in (".person-name", ".thread-line")
        )
        for each in page.html.select(".threads article")
    ]


def badge(browser: TestApp, path: str = "/explore") -> str | None:
    """The number beside "Messages" in the frame of a page."""
    found = browser.get(path, status="*").html.select_one(".nav-messages .nav-count")
    return None if found is None else found.get_text()


def notice(page: Any) -> str:
    return page.html.select_one("main .notice").get_text(strip=True)


# Writing and reading


def test_a_message_that_is_begun_on_a_profile_is_read_and_answered(two):
    page = two.susan.get("/users/john").click("^Message$", index=0)
    assert page.html.select_one("h1").get_text(strip=True) == "john"
    page.forms["message-form"]["message"] = "Are you\nthere?"
    page = page.forms["message-form"].submit(status=303).follow()
    assert flashes(page) == ["Your message was sent."]
    assert texts(page) == ["Are you\nthere?"]
    page = two.john.get("/").click("Messages", href="/messages/$")
    assert lines(page) == ["susan | New Are you there?"]
    page = page.click("susan", index=0)
    assert texts(page) == ["Are you\nthere?"]
    page = send(two.john, "susan", "I am")
    assert texts(page) == ["I am", "Are you\nthere?"]
    assert texts(two.susan.get("/messages/john")) == ["I am", "Are you\nthere?"]
    assert lines(two.susan.get("/messages/")) == ["john | New I am"]
    assert lines(two.john.get("/messages/")) == ["susan | You: I am"]


def test_somebody_without_messages_is_told_how_to_begin(two):
    page = two.susan.get("/messages/")
    assert "No messages yet" in page.html.select_one(".empty").get_text()
    assert "Write the first one" in page.click("Find somebody").click("john", index=0).click("^Message$").text


def test_threads_are_listed_by_their_last_message_with_its_beginning_on_one_line(two):
    other = enter(two.application.browser(), "ada")
    two.run(accounts.set_display_name, other, "Ada Lovelace")
    two.send("first")
    two.run(actions.write, other, two.susan_id, "x\n" * 300)
    page = two.susan.get("/messages/")
    assert lines(page) == [f"Ada Lovelace @ada | New {'x ' * 50}…", "john | You: first"]
    two.send("second", by_john=True)
    assert [line.split(" ")[0] for line in lines(two.susan.get("/messages/"))] == ["john", "Ada"]


def test_threads_and_messages_are_paged_by_their_ids(make_application):
    application = make_application({PAGE_SIZE.key: "2"})
    susan = application.browser()
    susan_id = enter(susan, "susan")
    with application.database.write() as session:
        ids = {name: accounts.create_account(session, name) for name in ("anna", "ben", "carl")}
        for name, user_id in ids.items():
            actions.write(session, user_id, susan_id, f"Hello from {name}")
        for number in range(5):
            actions.write(session, susan_id, ids["anna"], f"number {number}")
    page = susan.get("/messages/")
    assert [line.split(" ")[0] for line in lines(page)] == ["anna", "carl"]
    page = page.click("Older threads")
    assert [line.split(" ")[0] for line in lines(page)] == ["ben"]
    assert [line.split(" ")[0] for line in lines(page.click("Newer threads").maybe_follow())] == [
        "anna",
        "carl",
    ]
    assert "no older threads" in susan.get("/messages/?before=1").text
    page = susan.get("/messages/anna")
    assert texts(page) == ["number 4", "number 3"]
    page = page.click("Older messages").click("Older messages")
    assert texts(page) == ["number 0", "Hello from anna"]
    assert texts(page.click("Newer messages")) == ["number 2", "number 1"]
    assert "the beginning" in susan.get("/messages/anna?before=1").text
    assert susan.get("/messages/anna?before=x", status=400)


def test_links_mentions_and_markup_are_shown_as_in_posts_and_nobody_is_mentioned(two):
    enter(two.application.browser(), "ada")
    page = send(two.susan, "john", "<b>@Ada</b>, @nobody2 https://example.org/x #tea")
    body = page.html.select_one(".post-body")
    assert [(link["href"], link.get_text()) for link in body.select("a")] == [
        ("/users/ada", "@ada"),
        ("https://example.org/x", "https://example.org/x"),
        ("/tags/tea", "#tea"),
    ]
    assert body.select("b") == []
    with two.application.database.read() as session:
        assert session.scalars(sa.select(Mention.post_id)).all() == []
    assert "No posts" in two.susan.get("/tags/tea").text or not texts(two.susan.get("/tags/tea"))


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (" \u2800 \n", "a message cannot be empty"),
        ("a\x07b", "control character"),
        ("é" * 12, "2 characters too long"),
        ("e" + "\u0301" * 20, "made of too many parts"),
    ],
)
def test_a_message_that_is_refused_keeps_what_was_typed(make_application, body, sentence):
    application = make_application({MAX_LENGTH.key: "10"})
    susan = application.browser()
    enter(susan, "susan")
    enter(application.browser(), "john")
    page = send(susan, "john", body, status=422)
    assert sentence in page.html.select_one(".error-summary").get_text()
    assert page.forms["message-form"]["message"].value == body.strip()
    assert "Error:" in page.html.title.get_text()
    assert lines(susan.get("/messages/")) == []


def test_a_field_that_no_form_has_is_refused(two):
    form = two.susan.get("/messages/john").forms["message-form"]
    fields = {**dict(form.submit_fields()), "message": "x", "to": "ada"}
    assert "no field called" in two.susan.post("/messages/john", fields, status=422).text


def test_a_double_click_sends_once(two):
    form = two.susan.get("/messages/john").forms["message-form"]
    form["message"] = "Once"
    first, second = (form.submit(status=303).follow() for _ in range(2))
    assert [flashes(page) for page in (first, second)] == [["Your message was sent."]] * 2
    assert texts(second) == ["Once"]
    assert texts(two.john.get("/messages/susan")) == ["Once"]


def test_the_text_is_found_again_after_a_log_in_in_between(application):
    susan = application.browser()
    sign_up(susan, "susan")
    enter(application.browser(), "john")
    form = susan.get("/messages/john").forms["message-form"]
    form["message"] = "Written for an hour"
    with application.database.write() as session:
        session.execute(sa.delete(LoginSession))
    answer = form.submit(status=400)
    login = answer.forms["login-form"]
    login["nickname"], login["password"] = "susan", PASSWORD
    page = login.submit(status=303).follow()
    assert page.request.path == "/messages/john"
    assert page.forms["message-form"]["message"].value == "Written for an hour"
    assert texts(page.forms["message-form"].submit(status=303).follow()) == ["Written for an hour"]


def test_writing_emits_an_event(make_application):
    seen: list[MessageWritten] = []
    application = make_application(extend=lambda config: config.add_subscriber(seen.append, MessageWritten))
    with application.database.write() as session:
        susan, john = (accounts.create_account(session, name) for name in ("susan", "john"))
        message_id = actions.write(session, susan, john, "Hello", imported=True)
    (event,) = seen
    assert (event.message_id, event.author_id, event.recipient_id, event.imported) == (
        message_id,
        susan,
        john,
        True,
    )
    with application.database.read() as session:
        own = queries.get_thread(session, john, susan)
        assert own is not None
        assert event.thread_id == own.id


# Addresses


def test_other_spellings_and_former_nicknames_lead_to_the_thread(two):
    two.send("Hello")
    assert two.susan.get("/messages/JOHN", status=301).location.endswith("/messages/john")
    assert two.susan.get("/messages/john/", status=301).location.endswith("/messages/john")
    assert two.susan.get("/messages", status=301).location.endswith("/messages/")
    two.run(accounts.change_profile, two.john_id, nickname="johnny", display_name="", about_me="")
    assert two.susan.get("/messages/john", status=301).location.endswith("/messages/johnny")
    assert texts(two.susan.get("/messages/johnny")) == ["Hello"]
    assert two.susan.get("/messages/john/delete", status=301).location.endswith("/messages/johnny/delete")


def test_nobody_writes_to_themselves(two):
    page = two.susan.get("/messages/susan", status=403)
    assert "cannot write to yourself" in page.text
    assert "Message" not in [
        link.get_text() for link in two.susan.get("/users/susan").html.select(".profile a")
    ]
    with pytest.raises(CannotWrite, match="yourself"):
        two.run(actions.write, two.susan_id, two.susan_id, "x")


@pytest.mark.parametrize(
    "path",
    [
        "nobody",
        "x",
        "deleted-1",
        "deleted-x",
        "deleted-99999999999999999999",
        "-",
        "john/1",
        "john/x",
        "john/1/delete",
    ],
)
def test_what_is_not_there_is_not_found(two, path):
    two.send("Hello")
    two.susan.get(f"/messages/{path}", status=404)


def test_a_thread_without_messages_cannot_be_deleted(two):
    two.susan.get("/messages/john/delete", status=404)
    two.susan.get("/messages/john/1/delete", status=404)


# Who can read


def test_only_the_two_can_read_and_delete(two):
    """From outside, with every address that one of the two has: an admin, somebody else, a visitor."""
    message_id = two.send("Secret of the two")
    mallory, admin = two.application.browser(), two.application.browser()
    enter(mallory, "mallory")
    two.run(accounts.set_admin, enter(admin, "grace"), is_admin=True)
    with two.application.database.read() as session:
        own = queries.get_thread(session, two.susan_id, two.john_id)
        assert own is not None
    paths = ("john", "susan", f"john/{message_id}", f"deleted-{own.id}", f"deleted-{message_id}", str(own.id))
    deletions = (
        "john/delete",
        f"john/{message_id}/delete",
        f"susan/{message_id}/delete",
        f"deleted-{own.id}/delete",
    )
    for outside in (mallory, admin):
        for path in ("", *paths, *deletions):
            page = outside.get(f"/messages/{path}", status="*")
            assert "Secret of the two" not in page.text, path
            # As with somebody to whom nobody has ever written.
            assert (
                page.status_int
                == outside.get(f"/messages/{path}".replace("john", "susan"), status="*").status_int
            )
        token = outside.get("/messages/john").forms["message-form"]["csrf_token"].value
        for path in deletions:
            outside.post(f"/messages/{path}", {"csrf_token": token}, status=404)
        assert lines(outside.get("/messages/")) == []
    visitor = two.application.browser()
    for path in ("", *paths, *deletions, "nobody"):
        page = visitor.get(f"/messages/{path}", status="*")
        if path not in ("", f"john/{message_id}"):
            assert (page.status_int, "/login" in page.location) == (303, True), path
        assert "Secret" not in page.text
    assert visitor.get("/messages/john/nothing/delete", status=404)
    assert texts(two.john.get("/messages/susan")) == ["Secret of the two"]


def test_messages_are_in_no_other_page(two):
    two.send("zebrafish")
    pages = ("/", "/explore", "/search?q=zebrafish", "/users/john", "/users/susan", "/users/?q=zebrafish")
    for browser in (two.susan, two.john):
        for path in pages:
            main = browser.get(path).html.select_one("main")
            assert not re.search("zebrafish", main.get_text().replace("“zebrafish”", "")), path


# Read marks


def test_what_is_new_is_counted_until_it_is_opened_and_opening_changes_nothing_else(two):
    two.send("one", by_john=True)
    two.send("two", by_john=True)
    assert badge(two.susan) == "1"
    assert badge(two.john) is None
    page = two.susan.get("/messages/")
    label = page.html.select(".nav-messages .visually-hidden")[-1]
    assert label.get_text(strip=True) == "(1 thread with new messages)"
    two.susan.head("/messages/john")
    assert two.application.registry.deferred.flush() == 0
    assert badge(two.susan, "/messages/john") is None  # it is being read
    assert badge(two.susan) == "1"  # not yet written
    assert two.application.registry.deferred.flush() == 1
    assert badge(two.susan) is None
    assert lines(two.susan.get("/messages/")) == ["john | two"]
    two.susan.get("/messages/john")
    assert two.application.registry.deferred.flush() == 0
    two.send("three", by_john=True)
    assert badge(two.susan) == "1"


def test_an_older_page_of_a_thread_does_not_mark_what_is_newer(make_application):
    application = make_application({PAGE_SIZE.key: "1"})
    susan = application.browser()
    susan_id = enter(susan, "susan")
    with application.database.write() as session:
        john = accounts.create_account(session, "john")
        ids = [actions.write(session, john, susan_id, f"number {number}") for number in range(3)]
    susan.get(f"/messages/john?before={ids[2]}")
    assert badge(susan, f"/messages/john?before={ids[2]}") == "1"
    application.registry.deferred.flush()
    with application.database.read() as session:
        own = queries.get_thread(session, susan_id, john)
        assert own is not None
        assert (own.read_id, queries.count_unread(session, susan_id)) == (ids[1], 1)
    # A mark that comes late takes nothing back.
    with application.database.write() as session:
        queries.mark_read(session, susan_id, own.id, ids[0])
        assert queries.get_thread(session, susan_id, john) == own


def test_messages_of_muted_people_are_delivered_and_not_counted(two):
    two.run(mute, two.susan_id, two.john_id)
    two.send("Psst", by_john=True)
    assert badge(two.susan) is None
    assert lines(two.susan.get("/messages/")) == ["john | Psst"]
    page = two.susan.get("/messages/john")
    assert texts(page) == ["Psst"]
    assert "You have muted this person" in page.text
    assert badge(two.susan) is None


def test_many_unread_threads_are_counted_up_to_a_limit(two):
    with two.application.database.write() as session:
        for number in range(queries.MOST_UNREAD + 5):
            sender = accounts.create_account(session, f"sender{number}")
            actions.write(session, sender, two.susan_id, "Hello")
    assert badge(two.susan) == "99+"


def test_pages_with_messages_are_not_compressed_and_others_are(two):
    """How many are new may be guessed by the length of a page, but no word of a message (docs/adr/0034)."""
    two.send("one", by_john=True)
    paths = ("/explore", "/messages/", "/messages/john", "/messages/john/delete", "/account/messages")
    assert [encoding(ask(two.susan, path)) for path in paths] == ["br", None, None, None, None]


# Deleting for oneself


def test_a_message_is_deleted_for_oneself_alone(two):
    kept, deleted = two.send("kept"), two.send("deleted", by_john=True)
    page = two.susan.get("/messages/john").click("Delete", href=f"/{deleted}/")
    assert texts(page) == ["deleted"]
    assert "john keeps it" in page.html.select_one(".lead").get_text()
    page = page.forms["delete-message-form"].submit(status=303).follow()
    assert (flashes(page), texts(page)) == (["The message was deleted."], ["kept"])
    assert lines(two.susan.get("/messages/")) == ["john | You: kept"]
    assert badge(two.susan) is None
    assert texts(two.john.get("/messages/susan")) == ["deleted", "kept"]
    two.susan.get(f"/messages/john/{deleted}/delete", status=404)
    page = (
        two.susan.get(f"/messages/john/{kept}/delete")
        .forms["delete-message-form"]
        .submit(status=303)
        .follow()
    )
    assert page.request.path == "/messages/"
    assert lines(page) == []


def test_deleting_an_older_message_changes_nothing_of_what_is_new(two):
    first, second = two.send("first", by_john=True), two.send("second", by_john=True)
    with two.application.database.write() as session:
        own = queries.get_thread(session, two.susan_id, two.john_id)
        assert own is not None
        assert not actions.delete(session, two.susan_id, own.id, first)
    assert badge(two.susan) == "1"
    third = two.send("third", by_john=True)
    two.susan.get("/messages/john")
    two.application.registry.deferred.flush()
    two.run(actions.delete, two.susan_id, own.id, second)
    assert badge(two.susan) is None
    with two.application.database.read() as session:
        own = queries.get_thread(session, two.susan_id, two.john_id)
        assert own is not None
        assert own.read_id == third


def test_a_thread_is_deleted_for_oneself_and_goes_on_with_the_next_message(two):
    two.send("one")
    two.send("two", by_john=True)
    page = two.susan.get("/messages/john").click("Delete this thread")
    assert "john keeps them" in page.html.select_one(".lead").get_text()
    page = page.forms["delete-message-form"].submit(status=303).follow()
    assert (flashes(page), lines(page)) == (["The thread was deleted."], [])
    assert texts(two.john.get("/messages/susan")) == ["two", "one"]
    two.send("three", by_john=True)
    assert texts(two.susan.get("/messages/john")) == ["three"]
    assert texts(two.john.get("/messages/susan")) == ["three", "two", "one"]
    with two.application.database.read() as session:
        assert len(set(session.scalars(sa.select(MessageThread.id)))) == 1


def test_nothing_is_left_of_what_both_have_deleted(two):
    message_id = two.send("one")
    with two.application.database.write() as session:
        own = queries.get_thread(session, two.susan_id, two.john_id)
        assert own is not None
        actions.delete_thread(session, two.susan_id, own.id)
        assert actions.delete(session, two.john_id, own.id, message_id)
        assert [session.scalars(sa.select(table.owner_id)).all() for table in (Message, MessageThread)] == [
            [],
            [],
        ]


def test_a_deletion_of_what_was_deleted_meanwhile_is_not_found(two):
    message_id = two.send("one")
    with two.application.database.read() as session:
        own = queries.get_thread(session, two.susan_id, two.john_id)
        assert own is not None
    for path in (f"/messages/john/{message_id}/delete", "/messages/john/delete"):
        form = two.susan.get(path).forms["delete-message-form"]
        with before_the_next_write(
            two.application.database, lambda: two.run(actions.delete_thread, two.susan_id, own.id)
        ):
            form.submit(status=404)
        two.send("again")  # a thread of the same id


# Blocking, and who may write


@pytest.mark.parametrize("by_john", [False, True])
def test_between_blocked_people_the_thread_is_read_and_nothing_is_written(two, by_john):
    two.send("before")
    two.send("answer", by_john=True)
    form = two.susan.get("/messages/john").forms["message-form"]
    pair = (two.john_id, two.susan_id) if by_john else (two.susan_id, two.john_id)
    two.run(block, *pair)
    page = two.susan.get("/messages/john")
    assert texts(page) == ["answer", "before"]
    assert "message-form" not in page.forms
    assert notice(page).startswith(
        "This person has blocked you" if by_john else "You have blocked this person"
    )
    assert badge(two.susan) is None
    form["message"] = "But wait"
    page = form.submit(status=403)
    assert page.html.select_one(".recovered textarea").get_text().strip() == "But wait"
    assert texts(page) == ["answer", "before"]
    with pytest.raises(CannotWrite, match="blocked"):
        two.send("x")
    page = two.susan.get("/messages/john").click("Delete this thread")
    page.forms["delete-message-form"].submit(status=303)
    two.run(unblock, *pair)
    assert texts(send(two.susan, "john", "Friends again")) == ["Friends again"]


def choose(browser: TestApp, senders: str) -> None:
    form = browser.get("/messages/").click("Choose who may write to you").forms["senders-form"]
    form["senders"] = senders
    page = form.submit(status=303).follow()
    assert flashes(page) == ["It has been saved who may write to you."]
    assert page.forms["senders-form"]["senders"].value == senders


def test_a_person_chooses_who_may_write_to_them(two):
    choose(two.john, "followed")
    page = two.susan.get("/messages/john")
    assert notice(page) == "Only people whom they follow can write to this person."
    two.run(follow, two.susan_id, two.john_id)
    assert "message-form" not in two.susan.get("/messages/john").forms
    two.run(follow, two.john_id, two.susan_id)
    assert texts(send(two.susan, "john", "You follow me")) == ["You follow me"]
    choose(two.john, "nobody")
    assert notice(two.susan.get("/messages/john")) == "This person does not want to get messages."
    choose(two.john, "everybody")
    assert "message-form" in two.susan.get("/messages/john").forms


def test_whom_somebody_has_written_to_can_answer_until_they_delete_the_thread(two):
    choose(two.john, "nobody")
    two.send("A question", by_john=True)
    assert texts(send(two.susan, "john", "An answer")) == ["An answer", "A question"]
    two.john.get("/messages/susan/delete").forms["delete-message-form"].submit(status=303)
    assert notice(two.susan.get("/messages/john")) == "This person does not want to get messages."
    with pytest.raises(CannotWrite, match="does not want"):
        two.send("More")


def test_a_choice_that_there_is_not_is_refused(two):
    form = two.susan.get("/account/messages").forms["senders-form"]
    fields = {**dict(form.submit_fields()), "senders": "friends"}
    page = two.susan.post("/account/messages", fields, status=422)
    assert page.html.select_one(".field-errors")


def test_what_changes_just_before_a_message_is_written_is_obeyed(two):
    """A block, and the choice of who may write: what was typed is on the page of the refusal."""
    changes = (
        lambda: two.run(block, two.john_id, two.susan_id),
        lambda: two.run(actions.choose_senders, two.john_id, "nobody"),
    )
    for change in changes:
        form = two.susan.get("/messages/john").forms["message-form"]
        form["message"] = "Too late"
        with before_the_next_write(two.application.database, change):
            page = form.submit(status=403)
        assert page.html.select_one(".recovered textarea").get_text().strip() == "Too late"
        assert "message-form" not in page.forms
        two.run(unblock, two.john_id, two.susan_id)
    assert lines(two.john.get("/messages/")) == []


# Deleted accounts


def delete_account(two: Two, user_id: int) -> None:
    two.run(lambda session: session.execute(sa.delete(User).where(User.id == user_id)))


def become_unreachable(two: Two, user_id: int) -> None:
    """Their time has come, and the worker has removed nothing yet."""
    two.run(leave, user_id, days=0)
    two.run(go, user_id)


@pytest.mark.parametrize(
    "goes", [become_unreachable, delete_account], ids=["at once", "when nothing is left"]
)
def test_the_thread_with_a_deleted_account_stays_and_cannot_be_answered(two, goes):
    mine, theirs = two.send("mine"), two.send("theirs", by_john=True)
    form = two.susan.get("/messages/john").forms["message-form"]
    goes(two, two.john_id)
    page = two.susan.get("/messages/")
    assert lines(page) == ["Deleted account | New theirs"]
    assert page.html.select(".threads img") == []
    two.susan.get("/messages/john", status=404)
    page = page.click("Deleted account")
    assert re.fullmatch(r"/messages/deleted-[0-9]+", page.request.path)
    assert texts(page) == ["theirs", "mine"]
    assert notice(page) == "This account was deleted or suspended, so nobody would read an answer."
    two.application.registry.deferred.flush()
    assert badge(two.susan) is None
    fields = {**dict(form.submit_fields()), "message": "Are you there?"}
    answer = two.susan.post(page.request.path, fields, status=403)
    assert answer.html.select_one(".recovered textarea").get_text().strip() == "Are you there?"
    page = page.click("Delete", href=f"/{theirs}/")
    assert "There is no way to get it back" in page.text
    page = page.forms["delete-message-form"].submit(status=303).follow()
    assert texts(page) == ["mine"]
    page = page.click("Delete this thread").forms["delete-message-form"].submit(status=303).follow()
    assert lines(page) == []
    assert mine < theirs


def test_of_two_deleted_accounts_nothing_is_left(two):
    two.send("one")
    delete_account(two, two.john_id)
    delete_account(two, two.susan_id)
    with two.application.database.read() as session:
        assert [session.scalars(sa.select(table.owner_id)).all() for table in (Message, MessageThread)] == [
            [],
            [],
        ]


def test_somebody_who_is_deleted_while_a_message_is_written_gets_none(two):
    form = two.susan.get("/messages/john").forms["message-form"]
    form["message"] = "Too late"
    with before_the_next_write(two.application.database, lambda: delete_account(two, two.john_id)):
        answer = form.submit(status=404)
    assert "Too late" in answer.html.select_one(".recovered textarea").get_text()


# Limits


def test_messages_and_first_messages_are_limited(make_application):
    application = make_application(
        {
            "microblog.limits.messages.per_account": "3 per hour",
            "microblog.limits.threads.per_account": "1 per hour",
        }
    )
    susan = application.browser()
    enter(susan, "susan")
    for name in ("john", "ada"):
        enter(application.browser(), name)
    send(susan, "john", "one")
    page = send(susan, "ada", "a stranger", status=429)
    assert "very many new people" in page.text
    assert page.forms["message-form"]["message"].value == "a stranger"
    send(susan, "john", "two")
    send(susan, "john", "three")
    assert "very many messages" in send(susan, "john", "four", status=429).text
    assert texts(susan.get("/messages/john")) == ["three", "two", "one"]


# Statements


def test_the_list_and_a_thread_take_few_statements(two, count_statements):
    """However many threads and messages there are."""
    numbers = []
    for round_ in range(2):
        for number in range(10):
            sender = two.run(accounts.create_account, f"sender{round_}{number}")
            two.run(actions.write, sender, two.susan_id, "Hello")
            two.send(f"number {number}", by_john=True)
        with count_statements() as of_list:
            two.susan.get("/messages/")
        with count_statements() as of_thread:
            two.susan.get("/messages/john")
        numbers.append((len(of_list), len(of_thread)))
    # Of the list: who reads it, the threads, how many are new. Of the thread: who reads it, with whom it is,
    # the thread, its messages, whether to write, how many are new.
    assert numbers == [(3, 6), (3, 6)]


def test_writing_in_the_name_of_somebody_else_is_not_possible(two):
    """The author is who is logged in, whatever the form says."""
    write(two.susan, "A post")
    log_in(two.application.browser(), "john")
    form = two.susan.get("/messages/john").forms["message-form"]
    form["message"] = "By susan"
    form.submit(status=303)
    page = two.john.get("/messages/susan")
    assert page.html.select_one(".message .post-author").get_text(strip=True) == "susan"
