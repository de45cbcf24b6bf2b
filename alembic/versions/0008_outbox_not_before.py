"""The outbox notes until when the other side asked not to be sent an entry again.

The version before goes on: it does not write the new column, which has a default.

Revision ID: 0008
Revises: 0007
Create Date: 2026-11-26
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox", sa.Column("not_before", sa.BigInteger, server_default="0", nullable=False))


def downgrade() -> None:
    op.drop_column("outbox", "not_before")
