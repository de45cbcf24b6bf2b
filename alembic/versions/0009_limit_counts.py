"""How often something was done of late, for limits.

A new table: the version before goes on without it.

Revision ID: 0009
Revises: 0008
Create Date: 2026-11-26
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

Key = sa.String(32).with_variant(sa.String(32, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "limit_counts",
        sa.Column("key", Key, nullable=False),
        sa.Column("timestamp", sa.BigInteger, nullable=False),
        sa.Column("times", sa.BigInteger, nullable=False),
        sa.Column("counted", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_limit_counts"),
    )
    op.create_index("ix_limit_counts_expires", "limit_counts", ["expires"])


def downgrade() -> None:
    op.drop_table("limit_counts")
