"""What is recorded of an index, also when two commands record it at the same time."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from microblog.search import records
from microblog.search.interfaces import Drift
from microblog.search.models import IndexState
from tests.competing import before_the_statement
from tests.conftest import POSTGRESQL_URL


@pytest.mark.skipif(
    not POSTGRESQL_URL, reason="Set MICROBLOG_TEST_DATABASE_URL: SQLite has one writer at a time."
)
def test_two_first_verifies_at_the_same_time_are_both_recorded(database):
    def another():
        with database.write() as session:
            records.note_verify(session, "adapter", Drift(missing=(1,)))

    insert = "INSERT INTO index_states"
    with before_the_statement(database.engine, insert, another), database.write() as session:
        records.note_verify(session, "adapter", Drift(missing=(1, 2)))
    with database.read() as session:
        mine = sa.select(IndexState.missing).where(IndexState.adapter == "adapter")
        assert session.scalars(mine).all() == [2]
