"""Who wants one mail a day or a week.

A new table: the version before goes on without it, and writes single mails.

Revision ID: 0034
Revises: 0033
Create Date: 2026-11-27
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "digests",
        sa.Column("user_id", Id, autoincrement=False, nullable=False),
        sa.Column("every", sa.String(10), nullable=False),
        sa.Column("due", sa.DateTime(timezone=True), nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_digests_user_id_users", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name="pk_digests"),
    )
    op.create_index("ix_digests_due", "digests", ["due"])


def downgrade() -> None:
    op.drop_table("digests")
