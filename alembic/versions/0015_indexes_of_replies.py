"""The replies to a post, and the posts of a person that are none.

Indexes in a migration of their own: the one before keeps readers out, too, but only for a moment.

Revision ID: 0015
Revises: 0014
Create Date: 2026-11-26
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

IS_REPLY, IS_NO_REPLY = sa.text("reply_to IS NOT NULL"), sa.text("reply_to IS NULL")


def upgrade() -> None:
    op.create_index(
        "ix_posts_reply_to_id",
        "posts",
        ["reply_to", "id"],
        sqlite_where=IS_REPLY,
        postgresql_where=IS_REPLY,
    )
    op.create_index(
        "ix_posts_user_id_id_no_reply",
        "posts",
        ["user_id", "id"],
        sqlite_where=IS_NO_REPLY,
        postgresql_where=IS_NO_REPLY,
    )


def downgrade() -> None:
    op.drop_index("ix_posts_user_id_id_no_reply", "posts")
    op.drop_index("ix_posts_reply_to_id", "posts")
