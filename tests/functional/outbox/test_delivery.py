"""What is written with a change is delivered, sooner or later, and what cannot be is a dead letter."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import sqlalchemy as sa
import time_machine
from pyramid.exceptions import ConfigurationConflictError, ConfigurationError

from microblog import configure
from microblog.ids import get_now
from microblog.outages import AWAY, DatabaseUnavailable
from microblog.outbox import inspection, queries
from microblog.outbox.delivery import parse_retry_after
from microblog.outbox.kinds import DeliveryFailed
from tests.conftest import SETTINGS
from tests.functional.outbox.conftest import KIND


def test_the_worker_delivers_what_was_committed_with_its_payload(hire):
    postman = hire()
    postman.write("susan", payload={"text": "Grüße", "copies": [1, 2]})
    postman.outbox._registry.worker.round()
    assert postman.delivered == [("susan", {"text": "Grüße", "copies": [1, 2]})]
    assert postman.depth == (0, 0)


def test_an_entry_that_was_rolled_back_is_never_delivered(hire):
    postman = hire()
    with postman.database.open_session(write=True) as session:
        queries.write(session, KIND, ["susan"])
        session.rollback()
    assert postman.work() == 0
    assert postman.calls == []


def test_a_function_that_says_nothing_has_delivered_everything(make_application):
    application = make_application(
        extend=lambda config: config.add_outbox_kind("silent", lambda registry, entries: None)
    )
    with application.database.write() as session:
        queries.write(session, "silent", ["a", "b"])
    assert application.registry.outbox.work() == 1
    assert application.registry.outbox.work() == 1
    assert application.registry.outbox.work() == 0


def test_a_batch_has_as_many_entries_as_its_kind_says(hire):
    postman = hire(batch=2)
    postman.write("a", "b", "c")
    assert [postman.work(), postman.work(), postman.work()] == [2, 1, 0]
    assert postman.calls == [["a", "b"], ["c"]]


def test_an_entry_that_is_due_later_waits_and_does_not_lag(hire):
    postman = hire()
    postman.write("later", due_at=get_now() + 1_000_000)
    assert postman.work() == 0
    with postman.database.read() as session:
        assert queries.measure_depth(session, KIND) == queries.Depth(1, 0, 0.0)
    with postman.database.write() as session:
        queries.retry_now(session, KIND)
    assert postman.work() == 0, "it has not failed, so there is nothing to hurry"
    postman.change(next_at=get_now() - 1)
    assert postman.work() == 1


def test_a_delivery_that_fails_is_tried_again_and_what_works_again_at_once(hire, caplog):
    caplog.set_level(logging.INFO, "microblog.outbox.delivery")
    postman = hire()
    postman.away = {"susan", "john"}
    postman.write("susan", "john")
    for _ in range(3):
        assert postman.work() == 0
    postman.away = set()
    postman.write("new")
    assert postman.work() == 1  # it has not failed yet
    assert postman.work() == 1
    assert postman.work() == 1
    assert [key for key, _ in postman.delivered] == ["new", "susan", "john"]
    assert [record.getMessage() for record in caplog.records] == [
        "Deliveries “letters” fail, and are tried again: Nobody opened.",
        "Deliveries “letters” work again.",
    ]


def test_the_other_side_says_how_long_to_wait(hire):
    postman = hire()
    postman.away, postman.retry_after = {"susan"}, 3000.0
    postman.write("susan")
    postman.work()
    with postman.database.read() as session:
        (entry,) = inspection.list_entries(session, KIND, 9)
    assert 2900 <= (entry.next_at - get_now()) / 1000 <= 3000
    assert entry.error == "Nobody opened."


def test_a_refused_entry_is_a_dead_letter_and_blocks_no_others(hire, caplog):
    postman = hire(batch=9)
    postman.write("bad", "good")
    assert postman.work() == 2
    assert postman.depth == (0, 1)
    (record,) = caplog.records
    assert "is a dead letter now: no such address" in record.getMessage()
    caplog.clear()


def test_a_destination_that_fails_is_paused_and_the_others_are_not(hire):
    postman = hire(batch=9)
    postman.away, postman.retry_after = {"there"}, 1000.0
    postman.write("a", destination="there")
    postman.write("b", destination="here")
    assert postman.work() == 1
    postman.write("c", destination="there")
    postman.write("d", destination="here")
    assert postman.work() == 1
    assert postman.calls == [["b"], ["a"], ["d"]], "nothing is sent to a destination that is paused"
    with postman.database.read() as session:
        ((kind, destination, until, error),) = inspection.list_pauses(session, KIND)
    assert (kind, destination, error) == (KIND, "there", "Nobody opened.")
    assert until > get_now()


def test_when_a_destination_is_back_whatever_waits_for_it_is_due(hire):
    postman = hire(batch=1)
    postman.away = {"there"}
    postman.write("a", "b", destination="there")
    postman.work()
    with postman.database.write() as session:
        session.execute(sa.text("UPDATE outbox_pauses SET until = 0"))
    postman.work()
    with postman.database.write() as session:
        assert session.scalar(sa.text("SELECT failures FROM outbox_pauses")) == 2
        session.execute(sa.text("UPDATE outbox_pauses SET until = 0"))
        session.execute(sa.text("UPDATE outbox SET next_at = 0 WHERE key = 'b'"))
    postman.away = set()
    assert [postman.work(), postman.work(), postman.work()] == [1, 1, 0]
    with postman.database.read() as session:
        assert inspection.list_pauses(session, None) == []


def test_an_entry_that_fails_waits_as_the_other_side_asked_while_others_are_delivered(hire):
    postman = hire(batch=9)
    postman.away, postman.retry_after = {"susan"}, 3600.0
    postman.write("susan")
    for number in range(10):
        postman.write(f"n{number}")
        postman.work()
    assert [call for call in postman.calls if "susan" in call] == [["susan", "n0"]]
    assert postman.depth == (1, 0)


def test_an_entry_that_fails_alone_waits_as_the_other_side_asked(hire):
    postman = hire()
    postman.away, postman.retry_after = {"susan"}, 3600.0
    postman.write("susan", "john")
    assert [postman.work(), postman.work(), postman.work()] == [0, 1, 0]
    assert postman.calls == [["susan"], ["john"]]


def test_a_success_in_part_leaves_the_back_off_of_others_alone(hire):
    postman = hire(batch=9)
    postman.away = {"susan"}
    postman.write("susan", "john")
    postman.work()
    postman.change(next_at=get_now() + 1_000_000)
    for key in ("a", "b"):
        postman.write(key)
        assert postman.work() == 1
    assert postman.calls == [["susan", "john"], ["a"], ["b"]]


def test_entries_that_failed_together_are_due_at_the_first_success_except_those_that_fail_again(hire):
    postman = hire(batch=9)
    postman.away, postman.retry_after = {"susan", "john"}, 3600.0
    postman.write("susan", "john")
    assert postman.work() == 0
    postman.away = {"anna"}
    postman.write("anna", "new")
    assert postman.work() == 1
    assert postman.work() == 2
    assert postman.calls == [["susan", "john"], ["anna", "new"], ["susan", "john"]]


def test_one_failing_entry_does_not_pause_its_destination(hire, caplog):
    caplog.set_level(logging.INFO, "microblog.outbox.delivery")
    postman = hire(batch=9)
    postman.away, postman.retry_after = {"susan"}, 3600.0
    postman.write("susan", "john", destination="there")
    assert postman.work() == 1
    postman.write("anna", destination="there")
    assert postman.work() == 1
    assert postman.calls == [["susan", "john"], ["anna"]]
    with postman.database.read() as session:
        assert inspection.list_pauses(session, None) == []
    assert caplog.records == []


@pytest.mark.parametrize("destination", [None, "there"])
def test_a_failing_entry_keeps_its_back_off_where_each_is_delivered_alone(hire, destination):
    """At first it is unknown whether the entry fails or the other side."""
    postman = hire(batch=1)
    postman.away = {"susan"}
    postman.write("susan", *(f"n{number}" for number in range(8)), destination=destination)
    with time_machine.travel(datetime.now(UTC), tick=False):  # so no back-off ends, however slow the machine
        for _ in range(10):
            postman.work()
            with postman.database.write() as session:
                session.execute(sa.text("UPDATE outbox_pauses SET until = 0"))
    assert postman.calls.count(["susan"]) == 2
    assert postman.depth == (1, 0)


def test_after_a_restart_what_had_failed_together_is_due_when_it_works(make_application):
    is_away = [True]

    def deliver(registry, entries):
        if is_away[0]:
            raise DeliveryFailed("They are closed.")

    def extend(config):
        config.add_outbox_kind(KIND, deliver, batch=9)

    before = make_application(extend=extend)
    with before.database.write() as session:
        queries.write(session, KIND, ["a", "b"])
    for _ in range(3):
        before.registry.outbox.work()
        with before.database.write() as session:
            session.execute(sa.text("UPDATE outbox SET next_at = 0"))
    outbox = make_application(extend=extend).registry.outbox
    assert outbox.work() == 0
    is_away[0] = False
    with before.database.write() as session:
        queries.write(session, KIND, ["new"])
    assert [outbox.work(), outbox.work()] == [1, 2]


def test_retrying_by_hand_ignores_the_time_that_the_other_side_named(hire):
    postman = hire()
    postman.away, postman.retry_after = {"susan"}, 3600.0
    postman.write("susan")
    postman.work()
    with postman.database.write() as session:
        inspection.retry(session, kind=KIND)
    postman.away, postman.retry_after = set(), None
    assert postman.work() == 1


def test_entries_about_one_key_leave_in_their_order_when_their_kind_says_so(hire):
    postman = hire(batch=9, order="key")
    postman.write("susan", "susan", "john")
    postman.away = {"susan"}
    assert postman.work() == 1
    assert postman.calls == [["susan", "john"]]
    assert postman.work() == 0, "the second waits for the first"
    postman.away = set()
    postman.change(next_at=0)
    assert [postman.work(), postman.work()] == [1, 1]


def test_a_fault_of_ours_is_raised_and_holds_up_neither_its_batch_nor_other_kinds(make_application):
    delivered: list[str] = []

    def deliver(registry, entries):
        if any(entry.key == "breaks" for entry in entries):
            raise RuntimeError("no stamp")
        delivered.extend(entry.key for entry in entries)

    def extend(config):
        config.add_outbox_kind(KIND, deliver, batch=3)
        config.add_outbox_kind("cards", deliver)

    outbox = make_application(extend=extend).registry.outbox
    with outbox._registry.database.write() as session:
        queries.write(session, KIND, ["a", "breaks", "b"])
        queries.write(session, "cards", ["c"])
    with pytest.raises(RuntimeError, match="no stamp"):
        outbox.work()
    assert delivered == ["a", "b", "c"]
    with outbox._registry.database.read() as session:
        (entry,) = inspection.list_entries(session, None, 9)
    assert (entry.key, entry.error) == ("breaks", "The delivery failed (RuntimeError); see the log.")


def test_a_function_may_say_that_nothing_was_delivered(make_application):
    def deliver(registry, entries):
        raise DeliveryFailed("They are closed.", retry_after=10**9)

    outbox = make_application(
        extend=lambda config: config.add_outbox_kind(KIND, deliver, batch=9)
    ).registry.outbox
    with outbox._registry.database.write() as session:
        queries.write(session, KIND, ["a", "b"])
    assert outbox.work() == 0
    with outbox._registry.database.read() as session:
        entry, _ = inspection.list_entries(session, KIND, 9)
    assert entry.error == "They are closed."
    assert entry.next_at <= get_now() + 86_400_000, "nobody makes us wait for more than a day"


def test_when_the_database_goes_away_the_lease_ends_by_itself(make_application):
    def deliver(registry, entries):
        raise DatabaseUnavailable(AWAY, "gone")

    outbox = make_application(extend=lambda config: config.add_outbox_kind(KIND, deliver)).registry.outbox
    with outbox._registry.database.write() as session:
        queries.write(session, KIND, ["a"])
    with pytest.raises(DatabaseUnavailable):
        outbox.work()
    with outbox._registry.database.read() as session:
        (entry,) = inspection.list_entries(session, KIND, 9)
    assert entry.lease_until > get_now()


def test_a_worker_whose_lease_ended_changes_nothing_and_its_kind_hears_of_it(hire):
    lost = []
    postman = hire(lease_seconds=-1, on_lost_lease=lambda session, entries: lost.extend(entries))
    postman.write("susan", "bad")
    is_first = [True]

    def another_worker():
        if is_first.pop():
            is_first.append(False)
            assert postman.work() == 1
        else:
            is_first.append(False)

    postman.meanwhile = another_worker
    assert postman.work() == 1
    assert [entry.key for entry in lost] == ["susan"]
    assert postman.keys == ["bad"]


def test_several_workers_deliver_everything_once(hire):
    postman = hire(batch=3)
    postman.write(*(f"n{number}" for number in range(40)))

    def work():
        while postman.work():
            pass

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(key for key, _ in postman.delivered) == sorted(f"n{number}" for number in range(40))


def test_a_payload_that_is_not_json_is_a_dead_letter_and_holds_up_no_others(hire):
    postman = hire(batch=9)
    postman.write("broken")
    postman.change(payload="{broken")
    postman.write("susan", payload=1)
    assert postman.work() == 1
    assert postman.delivered == [("susan", 1)]
    assert postman.depth == (0, 1)
    with postman.database.read() as session:
        (entry,) = inspection.list_entries(session, KIND, 9)
    assert (entry.payload, entry.error) == ("{broken", "Its payload is not JSON.")


# Registering


def test_two_rooms_with_the_same_kind_are_a_conflict():
    config = configure(SETTINGS)
    config.add_outbox_kind(KIND, print)
    other = config.with_package("tests")
    other.info = "elsewhere"
    other.add_outbox_kind(KIND, print)
    with pytest.raises(ConfigurationConflictError):
        config.commit()


def test_a_kind_can_be_replaced_after_a_commit(hire):
    config = configure(SETTINGS)
    config.add_outbox_kind(KIND, print)
    config.commit()
    config.add_outbox_kind(KIND, repr)
    config.commit()
    assert config.registry.outbox.kinds[KIND].deliver is repr


def test_the_name_of_a_kind_fits_its_column():
    with pytest.raises(ConfigurationError, match="20 characters"):
        configure(SETTINGS).add_outbox_kind("x" * 21, print)


def test_a_key_of_255_characters_is_delivered_as_it_is(hire):
    postman = hire()
    postman.write("ü" * 255)
    assert postman.work() == 1
    assert postman.delivered == [("ü" * 255, None)]


# Retry-After


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("120", 120.0),
        ("-3", None),
        ("soon", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Wed, 21 Oct 99999999999999999999 07:28:00 GMT", None),
    ],
)
def test_retry_after_is_a_number_or_a_date(value, seconds):
    assert parse_retry_after(value) == seconds


@pytest.mark.parametrize("usegmt", [True, False])
def test_retry_after_as_a_date_in_the_future(usegmt):
    date = datetime.now(UTC) + timedelta(hours=1)
    text = format_datetime(date, usegmt=usegmt) if usegmt else format_datetime(date).replace("+0000", "-0000")
    assert 3500 <= (parse_retry_after(text) or 0) <= 3600


# Several deliveries in a round, and one by one


def test_a_round_lasts_as_long_as_there_is_something_to_deliver(hire):
    postman = hire(batch=1)
    postman.away = {"susan"}
    postman.write("a", "b", "susan", "c")
    postman.outbox._registry.worker.round()
    assert [key for key, _ in postman.delivered] == ["a", "b"]
    postman.outbox._registry.worker.round()
    assert [key for key, _ in postman.delivered] == ["a", "b", "c"]


def test_one_by_one_what_was_delivered_is_acknowledged_before_the_database_goes_away(make_application):
    def deliver(registry, entries):
        if len(entries) > 1:
            raise RuntimeError("no stamp")
        if entries[0].key == "b":
            raise DatabaseUnavailable(AWAY, "gone")

    outbox = make_application(
        extend=lambda config: config.add_outbox_kind(KIND, deliver, batch=9)
    ).registry.outbox
    with outbox._registry.database.write() as session:
        queries.write(session, KIND, ["a", "b", "c"])
    with pytest.raises(DatabaseUnavailable):
        outbox.work()
    with outbox._registry.database.read() as session:
        assert [entry.key for entry in inspection.list_entries(session, KIND, 9)] == ["b", "c"]


def test_one_by_one_the_longest_wait_that_was_asked_for_is_that_of_the_destination(make_application):
    def deliver(registry, entries):
        if len(entries) > 1:
            raise RuntimeError("no stamp")
        raise DeliveryFailed("They are closed.", retry_after=3600.0 if entries[0].key == "a" else 60.0)

    outbox = make_application(
        extend=lambda config: config.add_outbox_kind(KIND, deliver, batch=9)
    ).registry.outbox
    with outbox._registry.database.write() as session:
        queries.write(session, KIND, ["a", "b"], destination="there")
    outbox.work()
    with outbox._registry.database.read() as session:
        ((_, _, until, _),) = inspection.list_pauses(session, KIND)
    assert 3500 <= (until - get_now()) / 1000 <= 3600
