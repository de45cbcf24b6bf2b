"""`microblog outbox`: what waits is listed, shown, retried or dropped."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from microblog.outbox import inspection, queries
from microblog.outbox.models import Entry


@pytest.fixture
def letters(database):
    """One that waits, one that is due later, one that is being delivered, and a dead letter; their ids."""
    with database.write() as session:
        queries.write(session, "letters", ["waits"], payload={"text": "Grüße"}, destination="here")
        queries.write(session, "letters", ["later"], due_at=4_102_444_800_000)
        queries.write(session, "letters", ["taken", "dead"])
        queries.write(session, "cards", ["card"])
        ids = dict(session.execute(sa.select(Entry.key, Entry.id)).all())
        queries.make_dead_letters(session, {ids["dead"]: "no such\naddress"})
        taken = sa.update(Entry).where(Entry.key == "taken")
        session.execute(taken.values(lease_until=4_102_444_800_000, next_at=1))
        queries.pause(session, "letters", "here", "It is closed.", wait=queries.Wait(at_least_seconds=1000))
    return ids


def test_list_says_what_waits_is_paused_and_was_refused(microblog, letters):
    lines = microblog("outbox", "list").stdout.splitlines()
    assert "letters: 3 wait, 1 dead letters." in lines
    assert "cards: 1 wait, 0 dead letters." in lines
    assert "  Nothing delivers “letters” with these settings." in lines
    assert any(line.startswith("letters to here: nothing is sent before 20") for line in lines)
    assert f"{letters['dead']}  letters  dead  dead letter  no such address" in lines
    assert f"{letters['waits']}  letters  waits  waits" in lines
    assert f"{letters['later']}  letters  later  due 2100-01-01 00:00:00 UTC" in lines
    assert f"{letters['taken']}  letters  taken  is being delivered" in lines


def test_list_of_one_kind_and_a_few(microblog, letters):
    lines = microblog("outbox", "list", "--kind", "cards").stdout.splitlines()
    assert lines[0] == "cards: 1 wait, 0 dead letters."
    assert lines[2:] == [f"{letters['card']}  cards  card  waits"]
    lines = microblog("outbox", "list", "--most", "1").stdout.splitlines()
    assert [line for line in lines if line[0].isdigit()] == [
        f"{letters['dead']}  letters  dead  dead letter  no such address"
    ]


def test_show_says_everything_about_an_entry(microblog, letters):
    said = microblog("outbox", "show", str(letters["waits"])).stdout
    for line in (
        "key: waits",
        "destination: here",
        "state: waits",
        "attempts: 0",
        "error: -",
        '"text": "Grüße"',
    ):
        assert line in said
    assert "There is no entry 999999" in microblog("outbox", "show", "999999", status=1).stderr


def test_retry_makes_dead_letters_due_and_ends_pauses(microblog, letters, database):
    assert microblog("outbox", "retry", str(letters["dead"])).stdout.startswith("1 entries will be delivered")
    with database.read() as session:
        assert queries.measure_depth(session, "letters").dead_letters == 0
        assert inspection.list_pauses(session, None)
    assert microblog("outbox", "retry", "--kind", "letters").stdout.startswith("3 entries will be delivered")
    with database.read() as session:
        assert inspection.list_pauses(session, None) == []
        assert len(inspection.list_entries(session, "letters", 9)) == 4


def test_drop_deletes_dead_letters_of_a_kind_or_any_entry(microblog, letters, database):
    assert microblog("outbox", "drop", "--kind", "letters").stdout == "1 entries are dropped.\n"
    assert microblog("outbox", "drop", str(letters["later"])).stdout == "1 entries are dropped.\n"
    with database.read() as session:
        assert queries.measure_depth(session, "letters").waiting == 2


@pytest.mark.parametrize("command", ["retry", "drop"])
@pytest.mark.parametrize("arguments", [[], ["1", "--kind", "letters"]])
def test_retry_and_drop_require_ids_or_a_kind(microblog, application, command, arguments):
    assert "either entries by their ids" in microblog("outbox", command, *arguments, status=2).stderr


def test_show_prints_a_payload_that_is_not_json_as_it_is(microblog, database, letters):
    with database.write() as session:
        session.execute(sa.update(Entry).where(Entry.key == "waits").values(payload="{broken"))
    assert "payload: {broken" in microblog("outbox", "show", str(letters["waits"])).stdout.splitlines()
