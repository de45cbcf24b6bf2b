"""What search remembers of its index, and an index for posts of one language.

Revision ID: 0004
Revises: 0003
Create Date: 2026-11-22
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "index_states",
        sa.Column("adapter", sa.String(200), nullable=False),
        sa.Column("verified_at", sa.BigInteger),
        sa.Column("missing", sa.Integer, server_default="0", nullable=False),
        sa.Column("stale", sa.Integer, server_default="0", nullable=False),
        sa.Column("ghosts", sa.Integer, server_default="0", nullable=False),
        sa.Column("rebuild", sa.String(32)),
        sa.Column("rebuild_seen_at", sa.BigInteger),
        sa.Column("rebuilt", sa.Integer, server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("adapter", name="pk_index_states"),
    )
    op.create_index("ix_posts_language_id", "posts", ["language", "id"])


def downgrade() -> None:
    op.drop_index("ix_posts_language_id", "posts")
    op.drop_table("index_states")
