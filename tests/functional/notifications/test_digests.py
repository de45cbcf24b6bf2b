"""One mail a day or a week of what somebody has not read, instead of one for each notification."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
import time_machine
from sqlalchemy import event

from microblog.accounts.actions import set_admin
from microblog.accounts.by_mail.queries import mark_confirmed, mark_unconfirmed
from microblog.accounts.models import User
from microblog.accounts.queries import start_session
from microblog.background.worker import Worker
from microblog.mail.actions import write_mail
from microblog.mail.choices import list_refused
from microblog.messages.actions import write as send
from microblog.notifications.actions import tell_about_oneself
from microblog.notifications.digests.tasks import PEOPLE_IN_A_ROUND, send_due
from microblog.notifications.models import Digest
from microblog.people.actions import block, follow, mute, unfollow
from microblog.posts.actions import delete, write
from microblog.reactions.actions import boost, like
from microblog.security.cookies import SESSION_COOKIE
from microblog.security.identity import hash_token
from tests.clock import TimeOfDay, ids_by
from tests.competing import before_the_next_write
from tests.conftest import counted_statements
from tests.functional.notifications.conftest import Site
from tests.functional.notifications.test_mails import choose, get_subjects, list_chosen, read_mails
from tests.mails import MAILS
from tests.walk import flashes, token

TUESDAY = datetime(2026, 3, 3, 12, tzinfo=UTC)
WEDNESDAY, THURSDAY = (datetime(2026, 3, day, 8, 0, 30, tzinfo=UTC) for day in (4, 5))
MONDAY = datetime(2026, 3, 9, 8, 0, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    """It is Tuesday noon until a test says otherwise."""
    with time_machine.travel(TUESDAY, tick=False) as clock, ids_by(TimeOfDay()):
        yield clock


@pytest.fixture
def daily(site) -> Site:
    """Susan has chosen a daily digest; she stays logged in."""
    with site.acting() as session:
        start_session(session, site.susan, hash_token("long"), timedelta(days=90))
    site.browser.set_cookie(SESSION_COOKIE, "long")
    choose_when(site, "daily")
    return site


def get_form(site):
    return site.show("/account/notices").forms["notices-form"]


def choose_when(site, when: str) -> Any:
    form = get_form(site)
    form["when"] = when
    page = form.submit(status=303).follow()
    assert flashes(page) == ["Your choice has been saved."]
    assert page.forms["notices-form"]["when"].value == when
    return page


def get_moments(site) -> list[str]:
    page = site.show("/account/notices")
    labels = page.html.select_one("fieldset#when").select("label")
    return [" ".join(label.get_text().split()) for label in labels]


def run(site, at: datetime, clock) -> list[Any]:
    """The mails that the task has written at this time."""
    before = len(read_mails(site))
    clock.move_to(at)
    assert send_due(site.application.registry) is False
    return read_mails(site)[before:]


def read_lines(mail) -> list[str]:
    return [line[2:] for line in mail.text.splitlines() if line.startswith("* ")]


def get_digest(site) -> Any:
    with site.acting() as session:
        return session.execute(sa.select(Digest.every, Digest.due, Digest.since)).one_or_none()


def add_readers(site, count: int) -> list[int]:
    return site.add(*(f"reader{number}" for number in range(count)))


# A walk


def test_whoever_chose_a_digest_gets_one_mail_of_what_they_have_not_read(daily, john, clock):
    mary, tom = daily.add("mary", "tom")
    daily.do(follow, john, daily.susan)
    mention = daily.do(write, john, "Hello @susan <b>")
    answer = daily.do(write, mary, "Mine hums.", reply_to=daily.post)
    for person in (john, mary, tom):
        daily.do(like, person, daily.post)
    daily.do(boost, tom, daily.post)
    daily.do(send, john, daily.susan, "Our secret")
    assert run(daily, WEDNESDAY - timedelta(minutes=1), clock) == []
    (mail,) = run(daily, WEDNESDAY, clock)
    assert (mail.kind, mail.address) == ("digest", "susan@example.com")
    assert mail.subject == "6 unread notifications"
    assert read_lines(mail) == [
        "@john wrote to you",
        "@tom boosted your post",
        "@tom and 2 others liked your post",
        "@mary answered you",
        "@john mentioned you",
        "@john follows you now",
    ]
    for path in (f"posts/{mention}", f"posts/{answer}", f"posts/{daily.post}", "users/john", "messages/john"):
        assert f"http://localhost:6543/{path}\n" in mail.text
        assert f'href="http://localhost:6543/{path}"' in mail.html
    assert "Hello @susan <b>" in mail.text
    assert "Hello @susan &lt;b&gt;" in mail.html
    assert "secret" not in f"{mail.subject}{mail.text}{mail.html}"
    assert "http://localhost:6543/account/notices" in mail.text
    assert "/unsubscribe/" in mail.text


def test_the_worker_writes_and_sends_it(daily, john, clock):
    daily.do(like, john, daily.post)
    clock.move_to(WEDNESDAY)
    Worker(daily.application.registry).round()
    assert [(mail.kind, mail.state) for mail in read_mails(daily)] == [("digest", "sent")]


def test_nothing_is_told_twice_and_no_mail_tells_nothing(daily, john, clock):
    daily.do(like, john, daily.post)
    assert len(run(daily, WEDNESDAY, clock)) == 1
    assert run(daily, WEDNESDAY, clock) == []
    assert run(daily, THURSDAY, clock) == []
    assert get_digest(daily).due == datetime(2026, 3, 6, 8, tzinfo=UTC)
    daily.do(follow, john, daily.susan)
    (mail,) = run(daily, THURSDAY + timedelta(days=1), clock)
    assert (mail.subject, read_lines(mail)) == ("1 unread notification", ["@john follows you now"])


def test_what_was_read_meanwhile_is_not_told(daily, john, clock):
    daily.do(like, john, daily.post)
    daily.show().forms["mark-form"].submit(status=303)
    daily.do(follow, john, daily.susan)
    (mail,) = run(daily, WEDNESDAY, clock)
    assert read_lines(mail) == ["@john follows you now"]


def test_what_happened_just_now_waits_for_the_next_one(daily, john, clock):
    """It may not be committed yet when the digest is written, or be committed after it."""
    daily.do(like, john, daily.post)
    clock.move_to(WEDNESDAY)
    daily.do(follow, john, daily.susan)
    (mail,) = run(daily, WEDNESDAY, clock)
    assert read_lines(mail) == ["@john liked your post"]
    (mail,) = run(daily, THURSDAY, clock)
    assert read_lines(mail) == ["@john follows you now"]


def test_what_happened_before_the_choice_was_mailed_at_once(site, john, clock):
    site.do(follow, john, site.susan)
    choose_when(site, "daily")
    assert get_subjects(site) == ["@john is following you"]
    assert run(site, WEDNESDAY, clock) == []


def test_what_was_mailed_while_the_choice_was_made_is_not_told_again(site, john, clock):
    """A transaction that did not see the choice yet, with ids that are larger."""
    choose_when(site, "daily")
    with site.acting() as session:
        (row,) = session.execute(sa.select(*Digest.__table__.c)).all()
        session.execute(sa.delete(Digest))
        follow(session, john, site.susan)
        write(session, john, "@susan")
        send(session, john, site.susan, "one")
        like(session, john, site.post)
        session.execute(sa.insert(Digest).values(row._asdict()))
    assert len(get_subjects(site)) == 3
    (mail,) = run(site, WEDNESDAY, clock)
    assert read_lines(mail) == ["@john liked your post"]


def test_of_unread_messages_it_says_who_wrote_how_many_and_never_what(daily, john, clock):
    mary, tom = daily.add("mary", "tom")
    daily.do(send, mary, daily.susan, "A word")
    daily.do(send, tom, daily.susan, "A word")
    daily.show("/messages/tom")
    daily.application.registry.deferred.flush()
    for number in range(3):
        daily.do(send, john, daily.susan, f"A word {number}")
    (mail,) = run(daily, WEDNESDAY, clock)
    assert read_lines(mail) == ["@john wrote to you (3)", "@mary wrote to you"]
    assert "wrote to you</a> (3)</p>" in mail.html
    assert "word" not in f"{mail.subject}{mail.text}{mail.html}"


# Whom and what it leaves out


def test_who_was_blocked_or_muted_and_what_was_taken_back_is_not_in_it(daily, john, clock):
    mary, tom = daily.add("mary", "tom")
    post = daily.do(write, tom, "@susan")
    for person in (john, mary, tom):
        daily.do(like, person, daily.post)
        daily.do(follow, person, daily.susan)
    daily.do(block, daily.susan, john)
    daily.do(mute, daily.susan, mary)
    daily.do(unfollow, tom, daily.susan)
    daily.do(delete, post, tom)
    (mail,) = run(daily, WEDNESDAY, clock)
    assert read_lines(mail) == ["@tom liked your post"]
    assert "john" not in mail.html
    assert "mary" not in mail.html


def test_when_nobody_is_left_whom_they_see_there_is_no_mail(daily, john, clock):
    daily.do(like, john, daily.post)
    daily.do(mute, daily.susan, john)
    assert run(daily, WEDNESDAY, clock) == []


def test_kinds_whose_mails_were_switched_off_are_not_in_it(daily, john, clock):
    choose(daily, "mail", "follow", wanted=False)
    daily.do(follow, john, daily.susan)
    assert run(daily, WEDNESDAY, clock) == []
    daily.do(write, john, "@susan")
    (mail,) = run(daily, THURSDAY, clock)
    assert read_lines(mail) == ["@john mentioned you"]


def test_what_is_told_only_by_mail_comes_at_once(daily, john, clock):
    choose(daily, "site", "follow", wanted=False)
    daily.do(follow, john, daily.susan)
    daily.do(write, john, "@susan")
    assert get_subjects(daily) == ["@john is following you"]
    (mail,) = run(daily, WEDNESDAY, clock)
    assert read_lines(mail) == ["@john mentioned you"]


def test_mails_of_no_notification_come_at_once(daily):
    with daily.acting() as session:
        assert write_mail(
            session, kind="new_browser", user_id=daily.susan, values=MAILS["new_browser"], cause="1"
        )
    assert [mail.kind for mail in read_mails(daily)] == ["new_browser"]


@pytest.mark.parametrize("state", ["unconfirmed", "without an address"])
def test_who_cannot_be_mailed_gets_none_and_is_told_later(daily, john, clock, state):
    if state == "unconfirmed":
        daily.do(mark_unconfirmed, daily.susan)
    else:
        change_person(daily, email=None)
    daily.do(like, john, daily.post)
    assert run(daily, WEDNESDAY, clock) == []
    assert get_digest(daily).due == datetime(2026, 3, 5, 8, tzinfo=UTC)
    daily.do(mark_confirmed, daily.susan)
    change_person(daily, email="susan@example.com")
    (mail,) = run(daily, THURSDAY, clock)
    assert read_lines(mail) == ["@john liked your post"]


def change_person(site, **values: Any) -> None:
    with site.acting() as session:
        session.execute(sa.update(User).where(User.id == site.susan).values(**values))


def test_with_the_person_their_digest_is_gone(daily, clock):
    with daily.acting() as session:
        session.execute(sa.delete(User).where(User.id == daily.susan))
    assert get_digest(daily) is None
    clock.move_to(WEDNESDAY)
    assert send_due(daily.application.registry) is False


# How much it says, and how


def test_it_is_in_the_language_of_its_reader(daily, clock):
    change_person(daily, preferences="language=de")
    for reader in add_readers(daily, 13):
        daily.do(like, reader, daily.post)
    (mail,) = run(daily, WEDNESDAY, clock)
    assert "12 andere" in mail.text
    assert 'lang="de"' in mail.html


def test_followers_lead_to_one_or_to_all_of_them(daily, john, clock):
    for reader in (john, *add_readers(daily, 120)):
        daily.do(follow, reader, daily.susan)
    (mail,) = run(daily, WEDNESDAY, clock)
    assert read_lines(mail) == ["@reader119 and more than 99 others follow you now"]
    assert "http://localhost:6543/users/susan/followers" in mail.text


@pytest.mark.parametrize(
    ("posts", "subject", "rest"),
    [
        (20, "20 unread notifications", "All notifications"),
        (21, "21 unread notifications", "And 1 more"),
        (100, "100 unread notifications", "And 80 more"),
        (101, "More than 100 unread notifications", "And more than 80 more"),
    ],
)
def test_twenty_lines_are_told_and_the_number_of_the_others(daily, john, clock, posts, subject, rest):
    with daily.acting() as session:
        for number in range(posts):
            write(session, john, f"@susan number {number}")
    (mail,) = run(daily, WEDNESDAY, clock)
    assert mail.subject == subject
    assert len(read_lines(mail)) == mail.html.count("<blockquote") == 20
    assert f"\n{rest}\n" in mail.text
    assert f">{rest}</a>" in mail.html
    assert f"number {posts - 1}" in mail.text
    assert ("number 0" in mail.text) == (posts == 20)
    assert run(daily, THURSDAY, clock) == []


def test_many_lines_are_told_by_as_many_statements_as_one(daily, john, clock):
    def count() -> int:
        with counted_statements(daily.application.database) as statements:
            send_due(daily.application.registry)
        return len(statements)

    daily.do(write, john, "@susan")
    clock.move_to(WEDNESDAY)
    one = count()
    for number in range(30):
        daily.do(write, john, f"@susan {number}")
    clock.move_to(THURSDAY)
    assert count() == one <= 20
    assert len(read_mails(daily)) == 2


def test_who_has_a_digest_is_found_by_no_further_statement(site, john):
    def count(actor: int) -> int:
        with site.acting() as session, counted_statements(site.application.database) as statements:
            follow(session, actor, site.susan)
        return len([sql for sql in statements if "noti" in sql or "digest" in sql])

    mary, tom = site.add("mary", "tom")
    site.do(follow, john, site.susan)
    single = count(mary)
    choose_when(site, "daily")
    assert count(tom) == single
    assert get_subjects(site) == ["@john is following you", "@mary is following you"]


# When


def test_it_comes_at_eight_where_its_reader_lives(site, john, clock):
    change_person(site, preferences="time_zone=America/New_York")
    choose_when(site, "daily")
    site.do(like, john, site.post)
    clock.move_to(TUESDAY + timedelta(minutes=10))  # ten past seven
    assert run(site, TUESDAY + timedelta(minutes=50), clock) == []
    assert len(run(site, TUESDAY + timedelta(minutes=61), clock)) == 1


def test_of_a_week_it_comes_on_monday(daily, john, clock):
    choose_when(daily, "weekly")
    daily.do(like, john, daily.post)
    assert run(daily, MONDAY - timedelta(days=1), clock) == []
    daily.do(follow, john, daily.susan)
    (mail,) = run(daily, MONDAY, clock)
    assert len(read_lines(mail)) == 2
    assert get_digest(daily).due == datetime(2026, 3, 16, 8, tzinfo=UTC)


def test_after_a_long_outage_there_is_one(daily, john, clock):
    daily.do(like, john, daily.post)
    assert len(run(daily, WEDNESDAY + timedelta(days=10), clock)) == 1
    assert get_digest(daily).due == datetime(2026, 3, 15, 8, tzinfo=UTC)
    assert run(daily, WEDNESDAY + timedelta(days=10, hours=1), clock) == []


# What is chosen


def test_at_first_mails_come_at_once(site):
    assert get_form(site)["when"].value == "at_once"
    assert get_moments(site) == ["At once", "Once a day", "Once a week"]
    get_form(site).submit(status=303)
    assert get_digest(site) is None


def test_who_chooses_the_same_again_changes_nothing(daily, clock):
    before = get_digest(daily)
    clock.shift(timedelta(hours=24))
    choose(daily, "mail", "follow", wanted=False)
    assert get_digest(daily) == before


def test_who_goes_from_a_day_to_a_week_misses_nothing(daily, john, clock):
    daily.do(like, john, daily.post)
    since = get_digest(daily).since
    clock.shift(timedelta(hours=1))
    choose_when(daily, "weekly")
    assert tuple(get_digest(daily)) == ("weekly", datetime(2026, 3, 9, 8, tzinfo=UTC), since)


def test_who_goes_back_gets_mails_at_once(daily, john, clock):
    daily.do(like, john, daily.post)
    choose_when(daily, "at_once")
    assert get_digest(daily) is None
    daily.do(follow, john, daily.susan)
    assert get_subjects(daily) == ["@john is following you"]
    assert run(daily, WEDNESDAY, clock) == []


@pytest.mark.parametrize("values", [["hourly"], ["daily", "weekly"], ["never"]])
def test_only_what_is_offered_can_be_chosen(site, values):
    fields = [("csrf_token", token(site.browser)), *(("when", value) for value in values)]
    page = site.browser.post("/account/notices", fields, status=422)
    assert "Choose from the list." in page.text
    assert get_digest(site) is None


def test_a_form_without_the_choice_leaves_it(daily):
    before = get_digest(daily)
    daily.browser.post("/account/notices", {"csrf_token": token(daily.browser)}, status=303)
    assert get_digest(daily) == before


def test_digests_have_no_box_but_when_mails_come(daily):
    assert "digest" not in list_chosen(daily)
    assert "digest" not in [box._value for box in get_form(daily).fields["mail"]]


def unsubscribe(site, mail) -> None:
    link = next(word for word in mail.text.split() if "/unsubscribe/" in word)
    site.browser.post(urlsplit(link).path, {"List-Unsubscribe": "One-Click"}, status=200)


def test_the_link_of_a_digest_switches_it_off_and_no_single_mails_on(daily, john, clock):
    daily.do(like, john, daily.post)
    (mail,) = run(daily, WEDNESDAY, clock)
    unsubscribe(daily, mail)
    daily.do(follow, john, daily.susan)
    assert run(daily, THURSDAY, clock) == []
    assert len(read_mails(daily)) == 1
    assert get_form(daily)["when"].value == "never"
    assert get_moments(daily) == ["At once", "Once a day", "Once a week", "Not at all"]
    choose(daily, "mail", "mention", wanted=False)
    assert get_form(daily)["when"].value == "never"


@pytest.mark.parametrize("when", ["daily", "weekly", "at_once"])
def test_who_chooses_again_after_that_gets_mails_of_what_happens_from_then_on(daily, john, clock, when):
    daily.do(like, john, daily.post)
    (mail,) = run(daily, WEDNESDAY, clock)
    unsubscribe(daily, mail)
    daily.do(boost, john, daily.post)
    choose_when(daily, when)
    assert get_moments(daily) == ["At once", "Once a day", "Once a week"]
    with daily.acting() as session:
        assert list_refused(session, daily.susan) == frozenset()
    daily.do(follow, john, daily.susan)
    mails = run(daily, MONDAY, clock) if when != "at_once" else read_mails(daily)[1:]
    assert len(mails) == 1
    assert "is following you" in mails[0].subject or read_lines(mails[0]) == ["@john follows you now"]


def test_an_old_link_does_not_stop_the_mails_of_who_went_back(daily, john, clock):
    daily.do(like, john, daily.post)
    (mail,) = run(daily, WEDNESDAY, clock)
    choose_when(daily, "at_once")
    unsubscribe(daily, mail)
    assert get_form(daily)["when"].value == "at_once"
    daily.do(follow, john, daily.susan)
    assert get_subjects(daily)[1:] == ["@john is following you"]
    choose_when(daily, "daily")
    daily.do(write, john, "@susan")
    (mail,) = run(daily, THURSDAY, clock)
    assert read_lines(mail) == ["@john mentioned you"]


def test_a_digest_that_waits_is_not_sent_to_who_has_switched_it_off(daily, john, clock):
    daily.do(like, john, daily.post)
    (mail,) = run(daily, WEDNESDAY, clock)
    unsubscribe(daily, mail)
    daily.application.registry.outbox.deliver("mail")
    assert [each.state for each in read_mails(daily)] == ["dropped"]


# Several workers, and faults


def test_two_workers_at_once_write_one(daily, john, clock):
    daily.do(like, john, daily.post)
    clock.move_to(WEDNESDAY)
    registry = daily.application.registry
    with before_the_next_write(daily.application.database, lambda: send_due(registry)):
        send_due(registry)
    assert get_subjects(daily) == ["1 unread notification"]


def test_workers_in_the_middle_of_it_write_one(daily, john, clock):
    daily.do(like, john, daily.post)
    clock.move_to(WEDNESDAY)
    gate = Barrier(4)

    def work(_: int) -> None:
        gate.wait()
        send_due(daily.application.registry)

    with ThreadPoolExecutor(gate.parties) as pool:
        list(pool.map(work, range(gate.parties)))
    assert get_subjects(daily) == ["1 unread notification"]
    assert get_digest(daily).due == datetime(2026, 3, 5, 8, tzinfo=UTC)


def test_a_worker_that_dies_writes_nothing_and_the_next_one_writes_it(daily, john, clock):
    def die(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if "INSERT INTO mails" in statement:
            raise RuntimeError("the worker dies")

    daily.do(like, john, daily.post)
    clock.move_to(WEDNESDAY)
    before, engine = get_digest(daily), daily.application.database.engine
    event.listen(engine, "before_cursor_execute", die)
    try:
        with pytest.raises(RuntimeError, match="the worker dies"):
            send_due(daily.application.registry)
    finally:
        event.remove(engine, "before_cursor_execute", die)
    assert (get_digest(daily), read_mails(daily)) == (before, [])
    assert len(run(daily, WEDNESDAY, clock)) == 1


def test_what_cannot_be_written_keeps_nobody_waiting(make_application, clock):
    def fail(reader: Any, notification: Any) -> str:
        raise RuntimeError("no address")

    def extend(config: Any) -> None:
        template = "microblog.notifications:templates/mention.jinja2"
        config.add_notification_kind("broken", label="Broken", template=template, link=fail, order=60)

    application = make_application(extend=extend)
    site = Site(application, application.browser(), 0, 0)
    people = site.add("susan", "mary", "john")
    with site.acting() as session:
        session.execute(sa.update(User).values(email=User.nickname + "@example.com"))
        for person in people[:2]:
            values = {"every": "daily", "due": TUESDAY, "since": 0}
            session.execute(sa.insert(Digest).values(user_id=person, **values))
            follow(session, people[2], person)
        tell_about_oneself(session, "broken", people[0])
    clock.shift(timedelta(minutes=10))
    with pytest.raises(RuntimeError, match="no address"):
        send_due(application.registry)
    assert [mail.address for mail in read_mails(site)] == ["mary@example.com"]


def test_a_round_writes_some_and_says_that_there_are_more(site, clock):
    people = add_readers(site, PEOPLE_IN_A_ROUND)
    with site.acting() as session:
        rows = [{"user_id": each, "every": "daily", "due": TUESDAY, "since": 0} for each in people]
        session.execute(sa.insert(Digest).values(rows))
    assert send_due(site.application.registry) is True
    assert send_due(site.application.registry) is False


def test_an_admin_is_shown_its_text(daily, john, clock):
    """It has no link that opens an account."""
    daily.do(like, john, daily.post)
    (mail,) = run(daily, WEDNESDAY, clock)
    daily.do(set_admin, daily.susan, is_admin=True)
    page = daily.show(f"/admin/mail/{mail.id}")
    assert "@john liked your post" in page.text
