"""What the worker removes of somebody who is gone: all of it, in short transactions, and nothing else."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from pyramid_retry import IRetryableError

from microblog.accounts import actions, departure_queries, departures, tasks
from microblog.accounts.departures import FIRST_ROWS, MOST_ROWS, TARGET_SECONDS, Removal, carry_out
from microblog.accounts.models import Departure, User
from microblog.accounts.queries import add_user
from microblog.db import get_models
from microblog.ids import new_id
from microblog.operations.queries import COUNTS, find_wrong_counts
from microblog.people.actions import block, follow, mute
from microblog.people.models import Follow
from microblog.posts import actions as post_actions
from microblog.posts.events import PostDeleted
from microblog.posts.models import DeletedPost, Post
from microblog.reactions.actions import bookmark, boost, like
from microblog.reactions.models import Like
from microblog.tags.actions import follow_tag
from tests.clock import Clock
from tests.conftest import POSTGRESQL_URL

needs_postgresql = pytest.mark.skipif(
    not POSTGRESQL_URL, reason="Set MICROBLOG_TEST_DATABASE_URL: SQLite has one writer at a time."
)


def leave(database, user_id, *, goes=True):
    with database.write() as session:
        actions.leave(session, user_id, days=0)
        assert actions.go(session, user_id) or not goes


def carry_out_all(registry):
    """As many rounds as the worker needs."""
    rounds = 1
    while carry_out(registry):
        rounds += 1
    return rounds


def find_references(session, user_id):
    """The columns in which somebody is still mentioned."""
    models = get_models(session.info["registry"]).values()
    return [
        f"{column.table.name}.{column.name}"
        for column in departure_queries.list_references(models, "users")
        if session.execute(sa.select(column).where(column == user_id).limit(1)).first()
    ]


def assert_nothing_is_left(database, user_id):
    with database.read() as session:
        assert find_references(session, user_id) == []
        assert session.get(User, user_id) is None
        departure = departure_queries.get_departure(session, user_id)
        assert departure is not None
        assert departure.ended is not None
        assert {count.column: find_wrong_counts(session, count).rows for count in COUNTS} == {
            count.column: 0 for count in COUNTS
        }


@dataclass
class Site:
    """Mallory has something in every table that refers to people, and john has as much of his own."""

    application: Any
    mallory: int
    john: int
    susan: int
    deleted: list[int]
    posts: dict[str, list[int]]

    @property
    def database(self):
        return self.application.database


@pytest.fixture
def site(make_application):
    deleted: list[int] = []
    application = make_application(
        extend=lambda config: config.add_subscriber(lambda event: deleted.append(event.post_id), PostDeleted)
    )
    with application.database.write() as session:
        mallory, john, susan = (add_user(session, name) for name in ("mallory", "john", "susan"))
        for one in (mallory, john):
            follow(session, one, susan)
            follow(session, susan, one)
            follow_tag(session, one, "tea")
        own = post_actions.write(session, susan, "Of susan")
        posts: dict[str, list[int]] = {}
        for name, one in (("mallory", mallory), ("john", john)):
            first = post_actions.write(session, one, f"First of {name} #tea @susan")
            reply = post_actions.write(session, one, f"A reply of {name}", reply_to=own)
            second = post_actions.write(session, one, f"Of {name} to themselves", reply_to=first)
            post_actions.edit(session, first, one, f"First of {name}, edited #tea", language=None, version=1)
            posts[name] = [first, reply, second]
            for post in (first, own):
                for react in (like, boost, bookmark):
                    for person in (susan, one):
                        react(session, person, post)
            post_actions.write(session, susan, f"To @{name}", reply_to=first)
        mute(session, mallory, john)
        mute(session, john, mallory)
        block(session, john, mallory)
        block(session, mallory, susan)
    return Site(application, mallory, john, susan, deleted, posts)


def test_nothing_is_left_of_somebody_and_all_of_others(site):
    with site.database.read() as session:
        others = {table: count_rows_of(session, table, site.john) for table in OF_PEOPLE}
        assert all(others.values())
    leave(site.database, site.mallory)
    carry_out_all(site.application.registry)
    assert_nothing_is_left(site.database, site.mallory)
    with site.database.read() as session:
        after = {table: count_rows_of(session, table, site.john) for table in OF_PEOPLE}
        assert after == others
        # What susan answered is hers.
        assert session.scalar(sa.select(Post.body).where(Post.body == "To @mallory")) is not None


OF_PEOPLE = ("posts", "likes", "boosts", "bookmarks", "mentions", "follows", "followed_tags")


def count_rows_of(session, table, user_id):
    models = get_models(session.info["registry"]).values()
    columns = [
        column for column in departure_queries.list_references(models, "users") if column.table.name == table
    ]
    return sum(
        session.scalar(sa.select(sa.func.count()).select_from(column.table).where(column == user_id))
        for column in columns
    )


def test_posts_are_deleted_as_their_author_would_delete_them(site):
    leave(site.database, site.mallory)
    carry_out_all(site.application.registry)
    assert sorted(site.deleted) == site.posts["mallory"]
    with site.database.read() as session:
        assert set(session.scalars(sa.select(DeletedPost.id))) == set(site.posts["mallory"])
    browser = site.application.browser()
    for post_id in site.posts["mallory"]:
        assert "This post was deleted." in browser.get(f"/posts/{post_id}", status=410)
    assert "of mallory" not in browser.get("/search?q=first").text
    assert "of john" in browser.get("/search?q=first").text


def test_who_waits_is_left_alone_and_who_stays_too(site):
    with site.database.write() as session:
        actions.leave(session, site.mallory, days=1)
        actions.leave(session, site.john, days=0)
        actions.stay(session, site.john)
    assert not carry_out(site.application.registry)
    with site.database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(User).where(User.is_gone)) == 0
        assert "posts.user_id" in find_references(session, site.mallory)


def test_the_worker_makes_them_go_when_their_time_has_come(site):
    with site.database.write() as session:
        actions.leave(session, site.mallory, days=0)
    carry_out_all(site.application.registry)
    assert_nothing_is_left(site.database, site.mallory)


class Killed(Exception):
    """As if the process had been killed."""


class Dying(Removal):
    """Dies before the COMMIT of what it has done."""

    def _take_steps(self, session, started):
        super()._take_steps(session, started)
        raise Killed


def stand_still():
    """A clock by which nothing takes time. By another one a busy machine does little in each transaction, and
    a process that begins anew each time may not come to the first row."""
    return 0.0


@pytest.mark.parametrize("dies_before", [True, False])
def test_it_goes_on_wherever_it_was_stopped(site, dies_before):
    """Each of its transactions is that of another process; before each, one dies in the middle of it."""
    leave(site.database, site.mallory)
    transactions, has_more = 0, True
    while has_more:
        if dies_before:
            with pytest.raises(Killed):
                Dying(site.application.registry, site.mallory, now=stand_still).remove_some()
        removal = Removal(site.application.registry, site.mallory, now=stand_still)
        removal.rows = 1
        has_more = removal.remove_some()
        transactions += 1
    assert transactions > 15
    assert_nothing_is_left(site.database, site.mallory)
    assert set(site.deleted) == set(site.posts["mallory"])


def test_a_round_ends_in_time_and_says_that_there_is_more(site):
    leave(site.database, site.mallory)
    assert carry_out(site.application.registry, seconds=-1) is True
    assert carry_out_all(site.application.registry) >= 1
    assert_nothing_is_left(site.database, site.mallory)


def test_of_many_there_is_more_to_do(site, monkeypatch):
    with site.database.write() as session:
        people = [add_user(session, f"person{number}") for number in range(departures.PEOPLE_IN_A_ROUND)]
        for person in people:
            actions.leave(session, person, days=0)
    assert carry_out(site.application.registry, seconds=60) is True
    assert carry_out(site.application.registry) is False
    for person in people:
        assert_nothing_is_left(site.database, person)


def test_a_row_that_is_added_behind_it_goes_with_the_person(site):
    leave(site.database, site.mallory)
    removal = Removal(site.application.registry, site.mallory)
    with site.database.write() as session:
        removal._steps[:] = []
    assert removal.remove_some() is False
    with site.database.read() as session:
        assert find_references(session, site.mallory) == []
        assert session.get(User, site.mallory) is None


def test_a_second_worker_finds_nothing_to_do_after_the_first(site):
    leave(site.database, site.mallory)
    second = Removal(site.application.registry, site.mallory)
    carry_out_all(site.application.registry)
    assert second.remove_some() is False


def test_transactions_grow_while_they_are_short_and_shrink_when_they_are_long(site):
    clock = Clock()
    removal = Removal(site.application.registry, site.mallory, now=clock)
    assert removal.rows == FIRST_ROWS
    for seconds, expected in ((0.0, 2 * FIRST_ROWS), (TARGET_SECONDS, 10), (TARGET_SECONDS * 10, 1), (60, 1)):
        removal._adapt(removal.rows, seconds)
        assert removal.rows == expected
    for _ in range(20):
        removal._adapt(removal.rows, 0.0)
    assert removal.rows == MOST_ROWS
    removal._adapt(7, TARGET_SECONDS)
    assert removal.rows == 7
    removal._adapt(0, TARGET_SECONDS)
    assert removal.rows == 7


def test_steps_that_have_nothing_to_do_end_with_the_time_of_a_transaction(site):
    leave(site.database, site.mallory)
    clock = Clock()

    def take_long(session, user_id, limit):
        clock.now += TARGET_SECONDS
        return 0

    removal = Removal(site.application.registry, site.mallory, now=clock)
    removal._steps = [take_long, take_long]
    assert removal.remove_some() is True
    assert len(removal._steps) == 1
    assert removal.remove_some() is False


def test_rooms_have_their_own_steps_in_their_order(make_application, database):
    calls = []

    def make_step(name):
        def step(session, user_id, limit):
            calls.append((name, user_id))
            return 0

        return step

    def extend(config):
        config.add_departure_step("late", make_step("late"), order=30)
        config.add_departure_step("early", make_step("early"), order=-5)

    application = make_application(extend=extend)
    with database.write() as session:
        user_id = add_user(session, "susan")
    leave(database, user_id)
    carry_out(application.registry, seconds=60)
    assert calls == [("early", user_id), ("late", user_id)]


def test_a_departure_that_ended_is_forgotten_after_thirty_days(site):
    leave(site.database, site.mallory)
    carry_out_all(site.application.registry)
    for days, kept in ((29, 1), (31, 0)):
        with site.database.write() as session:
            session.execute(sa.update(Departure).values(ended=datetime.now(UTC) - timedelta(days=days)))
        tasks.delete_expired(site.application.registry)
        with site.database.read() as session:
            assert len(departure_queries.list_departures(session)) == kept


# Many rows

POSTS, PEOPLE = 5_000, 1_000


@pytest.fixture
def popular(site):
    """Mallory has 5,000 posts; a thousand people follow her, and like the first one, as she does theirs."""
    with site.database.write() as session:
        people = [{"nickname": f"p{number}", "member_since": datetime.now(UTC)} for number in range(PEOPLE)]
        others = session.scalars(sa.insert(User).returning(User.id), people).all()
        rows = [
            {
                "id": new_id(),
                "user_id": site.mallory,
                "body": f"Post {number} of many",
                "reply_to": site.posts["john"][0] if number % 5 == 0 else None,
                "reply_to_author": site.john if number % 5 == 0 else None,
            }
            for number in range(POSTS)
        ]
        session.execute(sa.insert(Post), rows)
        theirs = [{"id": new_id(), "user_id": other, "body": "Mine"} for other in others]
        session.execute(sa.insert(Post), theirs)
        first = rows[0]["id"]
        session.execute(
            sa.insert(Follow),
            [{"follower_id": other, "followee_id": site.mallory, "since": new_id()} for other in others]
            + [{"follower_id": site.mallory, "followee_id": other, "since": new_id()} for other in others],
        )
        session.execute(
            sa.insert(Like),
            [{"user_id": other, "post_id": first, "id": new_id()} for other in others]
            + [{"user_id": site.mallory, "post_id": post["id"], "id": new_id()} for post in theirs],
        )
    return site


def test_somebody_with_thousands_of_posts_and_followers_is_removed_in_many_short_transactions(popular):
    """How short is measured by `python -m benchmarks.departures`; here, that none removes much at once."""
    rows = []

    class Counted(Removal):
        def _take_steps(self, session, started):
            step = len(self._steps)
            done = super()._take_steps(session, started)
            rows.append((self.rows, step))
            return done

    leave(popular.database, popular.mallory)
    removal = Counted(popular.application.registry, popular.mallory, now=stand_still)
    while removal.remove_some():
        assert removal.rows <= MOST_ROWS
    assert len(rows) > (POSTS + 4 * PEOPLE) / MOST_ROWS
    assert_nothing_is_left(popular.database, popular.mallory)
    assert len(popular.deleted) == POSTS + 3


def test_two_workers_at_once_remove_somebody_once(site):
    with site.database.write() as session:
        rows = [{"id": new_id(), "user_id": site.mallory, "body": f"Post {number}"} for number in range(97)]
        session.execute(sa.insert(Post), rows)
    leave(site.database, site.mallory)
    failures = []

    def work():
        try:
            while True:
                removal = Removal(site.application.registry, site.mallory)
                while removal.remove_some():
                    pass
                with site.database.read() as session:
                    departure = departure_queries.get_departure(session, site.mallory)
                if departure is None or departure.ended:
                    return
        except Exception as error:
            failures.append(error)

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures == []
    assert len(site.deleted) == len(set(site.deleted)) == 100
    assert_nothing_is_left(site.database, site.mallory)


@needs_postgresql
def test_deletions_of_others_at_the_same_time_do_not_deadlock(site):
    """Two who answered, liked and followed each other go, by a worker each; a third deletes her answers to
    both and likes their posts."""
    database, people = site.database, []
    with database.write() as session:
        people = [add_user(session, f"leaver{number}") for number in range(2)]
        posts: dict[int, list[int]] = {person: [] for person in people}
        answers = []
        for number in range(150):
            for person, other in (people, reversed(people)):
                reply_to = posts[other][-(number % 7) - 1] if len(posts[other]) > 7 else None
                post = post_actions.write(session, person, f"{number}", reply_to=reply_to)
                posts[person].append(post)
                if reply_to is not None:
                    like(session, person, reply_to)
                answers.append(post_actions.write(session, site.susan, "An answer", reply_to=post))
        for person, other in (people, reversed(people)):
            follow(session, person, other)
            for follower in (site.john, site.susan):
                follow(session, follower, person)
                follow(session, person, follower)
    failures: list[Any] = []

    def note_failures(function):
        def run():
            try:
                function()
            except Exception as error:
                failures.append(error)

        return threading.Thread(target=run)

    def remove(person):
        removal = Removal(site.application.registry, person)
        while removal.remove_some():
            pass

    def delete_answers():
        for number, answer in enumerate(answers):
            with database.write() as session:
                if number % 3 == 0:
                    like(session, site.john, answer)
                post_actions.delete(session, answer, site.susan)

    for person in people:
        leave(database, person)
    threads = [
        note_failures(lambda: remove(people[0])),
        note_failures(lambda: remove(people[1])),
        note_failures(delete_answers),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Whom another transaction has overtaken is tried again; nobody waits for each other.
    assert [error for error in failures if not IRetryableError.providedBy(error)] == []
    assert not any("deadlock" in str(error) for error in failures)
    for person in people:
        remove(person)
        assert_nothing_is_left(database, person)
