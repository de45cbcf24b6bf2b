"""People who delete their account, and the nicknames that they leave.

New tables, and a column with a default, so no table is rebuilt. The version before goes on: it shows somebody
who is gone without a name until the worker has removed what is left of them.

Revision ID: 0032
Revises: 0031
Create Date: 2026-11-27
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")
Key = sa.String(30).with_variant(sa.String(30, collation="C"), "postgresql")
Timestamp = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "departures",
        sa.Column("user_id", Id, autoincrement=False, nullable=False),
        sa.Column("asked", Timestamp, nullable=False),
        sa.Column("due", Timestamp, nullable=False),
        sa.Column("gone", Timestamp),
        sa.Column("ended", Timestamp),
        sa.PrimaryKeyConstraint("user_id", name="pk_departures"),
    )
    op.create_table(
        "gone_nicknames",
        sa.Column("key", Key, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_gone_nicknames"),
    )
    op.add_column("users", sa.Column("is_gone", sa.Boolean, server_default=sa.false(), nullable=False))


def downgrade() -> None:
    op.drop_column("users", "is_gone")
    op.drop_table("gone_nicknames")
    op.drop_table("departures")
