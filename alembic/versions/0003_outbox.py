"""The outbox: what must leave the process because of a change, written with the change.

Revision ID: 0003
Revises: 0002
Create Date: 2026-11-22
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("payload", sa.Text),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, server_default="0", nullable=False),
        sa.Column("next_at", sa.BigInteger, server_default="0", nullable=False),
        sa.Column("lease_until", sa.BigInteger, server_default="0", nullable=False),
        sa.Column("set_aside", sa.Boolean, server_default=sa.false(), nullable=False),
        sa.Column("error", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_outbox_kind_key", "outbox", ["kind", "key"])
    op.create_index("ix_outbox_kind_set_aside_id", "outbox", ["kind", "set_aside", "id"])


def downgrade() -> None:
    op.drop_table("outbox")
