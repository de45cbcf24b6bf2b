"""Every table that refers to people lets the deletion of an account remove its rows in short steps."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from microblog import configure_without_site
from microblog.accounts.departure_queries import list_references, remove_references
from microblog.db import Base, Database, get_models

REGISTRY = configure_without_site(with_views=False).registry
MODELS = list(get_models(REGISTRY).values())
REFERENCES = [
    pytest.param(column, id=str(column))
    for table in ("users", "posts")
    for column in list_references(MODELS, table)
]


def test_the_tables_that_refer_to_people_are_known():
    names = {str(column) for column in list_references(MODELS, "users")}
    assert {"posts.user_id", "follows.follower_id", "follows.followee_id", "sessions.user_id"} <= names


@pytest.mark.parametrize("column", REFERENCES)
def test_a_reference_is_removed_with_what_it_refers_to(column):
    [key] = column.foreign_keys
    assert key.ondelete in ("CASCADE", "SET NULL"), "The deletion of an account would fail."


@pytest.mark.parametrize("column", REFERENCES)
def test_a_reference_is_found_by_an_index(column):
    keys = [
        list(index.columns)
        for index in column.table.indexes
        if index.dialect_options["sqlite"].get("where") is None
    ]
    keys.append(list(column.table.primary_key))
    assert any(columns[0] is column for columns in keys), "Each step would read the whole table."


def test_a_reference_that_may_be_null_is_set_to_null_and_its_row_stays():
    metadata = sa.MetaData()
    people = sa.Table("users", metadata, sa.Column("id", sa.Integer, primary_key=True))
    invitations = sa.Table(
        "guests",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("by", sa.ForeignKey("users.id", ondelete="SET NULL")),
    )
    database = Database("sqlite+pysqlite://")
    with database.write() as session:
        metadata.create_all(session.connection())
        session.execute(sa.insert(people), [{"id": 1}, {"id": 2}])
        session.execute(sa.insert(invitations), [{"by": by} for by in (1, 1, 1, 2)])
        done = [remove_references(session, invitations.c.by, [1], 2) for _ in range(3)]
        rows = session.scalars(sa.select(invitations.c.by).order_by(invitations.c.id)).all()
    database.close()
    assert (done, rows) == ([2, 1, 0], [None, None, None, 2])
    assert "guests" not in Base.metadata.tables
