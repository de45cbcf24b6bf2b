"""The outbox for every kind: longer keys, entries that are unique while they wait, destinations and pauses.

Nothing is written anew. SQLite does not enforce lengths, so its column stays as it is; PostgreSQL only notes
the longer one. The version before goes on: it writes neither of the new columns, which have defaults.

Revision ID: 0007
Revises: 0006
Create Date: 2026-11-26
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

WAITS_ALONE = sa.text("is_unique AND lease_until = 0 AND NOT set_aside")


def upgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.alter_column("outbox", "key", type_=sa.String(255))
    op.add_column("outbox", sa.Column("destination", sa.String(255)))
    op.add_column("outbox", sa.Column("is_unique", sa.Boolean, server_default=sa.false(), nullable=False))
    op.create_index(
        "uq_outbox_kind_key_waiting",
        "outbox",
        ["kind", "key"],
        unique=True,
        sqlite_where=WAITS_ALONE,
        postgresql_where=WAITS_ALONE,
    )
    op.create_table(
        "outbox_pauses",
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("destination", sa.String(255), nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("error", sa.Text),
        sa.PrimaryKeyConstraint("kind", "destination", name="pk_outbox_pauses"),
    )


def downgrade() -> None:
    op.drop_table("outbox_pauses")
    op.drop_index("uq_outbox_kind_key_waiting", "outbox")
    op.drop_column("outbox", "is_unique")
    op.drop_column("outbox", "destination")
    if op.get_context().dialect.name == "postgresql":
        op.alter_column("outbox", "key", type_=sa.String(64))
