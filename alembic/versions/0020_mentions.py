"""Who is mentioned in a post, and what the worker has yet to read out of posts that are there.

New tables: the version before goes on without them. The reference to people follows in a migration of its
own, since on PostgreSQL each reference keeps writers from the table that it leads to.

Revision ID: 0020
Revises: 0019
Create Date: 2026-11-26
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    people = []
    if op.get_context().dialect.name == "sqlite":
        # It would have to write the table anew to add this.
        people.append(
            sa.ForeignKeyConstraint(
                ["user_id"], ["users.id"], name="fk_mentions_user_id_users", ondelete="CASCADE"
            )
        )
    op.create_table(
        "mentions",
        sa.Column("post_id", Id, nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("keys", sa.String(400), nullable=False),
        sa.ForeignKeyConstraint(
            ["post_id"], ["posts.id"], name="fk_mentions_post_id_posts", ondelete="CASCADE"
        ),
        *people,
        sa.PrimaryKeyConstraint("post_id", "user_id", name="pk_mentions"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_mentions_user_id_post_id", "mentions", ["user_id", "post_id"])
    op.create_table(
        "backfills",
        sa.Column("name", sa.String(50), nullable=False),
        sa.Column("before", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_backfills"),
    )
    op.execute(
        "INSERT INTO backfills (name, before) "
        "SELECT 'mentions', 9223372036854775807 WHERE EXISTS (SELECT 1 FROM posts)"
    )


def downgrade() -> None:
    op.drop_table("backfills")
    op.drop_table("mentions")
