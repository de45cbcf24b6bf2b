"""The tags that people follow.

A new table: the version before goes on without it.

Revision ID: 0024
Revises: 0023
Create Date: 2026-11-26
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")
TagKey = sa.String(100).with_variant(sa.String(100, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "followed_tags",
        sa.Column("user_id", Id, nullable=False),
        sa.Column("tag", TagKey, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_followed_tags_user_id_users", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "tag", name="pk_followed_tags"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("followed_tags")
