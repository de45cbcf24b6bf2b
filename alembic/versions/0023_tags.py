"""The tags of posts, and those of the week. The worker reads them out of the posts that are there.

New tables: the version before goes on without them.

Revision ID: 0023
Revises: 0022
Create Date: 2026-11-26
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")
TagKey = sa.String(100).with_variant(sa.String(100, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "post_tags",
        sa.Column("tag", TagKey, nullable=False),
        sa.Column("post_id", Id, nullable=False),
        sa.ForeignKeyConstraint(
            ["post_id"], ["posts.id"], name="fk_post_tags_post_id_posts", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tag", "post_id", name="pk_post_tags"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_post_tags_post_id", "post_tags", ["post_id"])
    op.create_table(
        "weekly_tags",
        sa.Column("tag", TagKey, nullable=False),
        sa.Column("people", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("tag", name="pk_weekly_tags"),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO backfills (name, before) "
        "SELECT 'tags', 9223372036854775807 WHERE EXISTS (SELECT 1 FROM posts)"
    )


def downgrade() -> None:
    op.execute("DELETE FROM backfills WHERE name = 'tags'")
    op.drop_table("weekly_tags")
    op.drop_table("post_tags")
