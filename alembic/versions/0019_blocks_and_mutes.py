"""Whom somebody has blocked, and whom they have muted.

Revision ID: 0019
Revises: 0018
Create Date: 2026-11-26
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    create_table("blocks", "blocker_id", "blocked_id")
    create_table("mutes", "muter_id", "muted_id")


def create_table(name: str, who: str, whom: str) -> None:
    op.create_table(
        name,
        sa.Column(who, Id, nullable=False),
        sa.Column(whom, Id, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.CheckConstraint(f"{who} <> {whom}", name=f"ck_{name}_not_oneself"),
        sa.ForeignKeyConstraint([who], ["users.id"], name=f"fk_{name}_{who}_users", ondelete="CASCADE"),
        sa.ForeignKeyConstraint([whom], ["users.id"], name=f"fk_{name}_{whom}_users", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint(who, whom, name=f"pk_{name}"),
        sqlite_with_rowid=False,
    )
    op.create_index(f"ix_{name}_{who}_since", name, [who, "since"])
    op.create_index(f"ix_{name}_{whom}", name, [whom])


def downgrade() -> None:
    op.drop_table("mutes")
    op.drop_table("blocks")
