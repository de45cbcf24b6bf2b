"""How people want to see the pages: their language, colours and time zone.

A column with a default, so no table is rebuilt, and the version before goes on.

Revision ID: 0012
Revises: 0011
Create Date: 2026-11-26
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "users", sa.Column("preferences", sa.String(500), server_default=sa.text("''"), nullable=False)
    )


def downgrade() -> None:
    op.drop_column("users", "preferences")
