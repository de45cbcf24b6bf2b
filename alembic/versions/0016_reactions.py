"""Likes, boosts and bookmarks: of whom they are.

New tables, which the version before does not know. On PostgreSQL they get their references to posts, and the
triggers that count, in the next migration: one that refers to two tables would keep writers from both.

Revision ID: 0016
Revises: 0015
Create Date: 2026-11-26
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    for table in ("likes", "boosts", "bookmarks"):
        op.create_table(
            table,
            sa.Column("user_id", Id, nullable=False),
            sa.Column("post_id", Id, nullable=False),
            sa.Column("id", sa.BigInteger, nullable=False),
            *make_references(table),
            sa.PrimaryKeyConstraint("user_id", "post_id", name=f"pk_{table}"),
            sqlite_with_rowid=False,
        )
        included = {"postgresql_include": ["post_id"]} if table == "boosts" else {}
        op.create_index(f"ix_{table}_user_id_id", table, ["user_id", "id"], **included)
    for table in ("likes", "boosts"):
        op.create_index(f"ix_{table}_post_id_id", table, ["post_id", "id"])
    op.create_index("ix_bookmarks_post_id", "bookmarks", ["post_id"])


def make_references(table: str) -> list[Any]:
    """SQLite, which has one writer at a time, takes both at once, and no second one later."""
    references = [("user_id", "users")]
    if op.get_context().dialect.name == "sqlite":
        references.append(("post_id", "posts"))
    return [
        sa.ForeignKeyConstraint(
            [column], [f"{referred}.id"], name=f"fk_{table}_{column}_{referred}", ondelete="CASCADE"
        )
        for column, referred in references
    ]


def downgrade() -> None:
    for table in ("bookmarks", "boosts", "likes"):
        op.drop_table(table)
