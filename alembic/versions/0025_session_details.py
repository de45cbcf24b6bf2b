"""From which browser and which address somebody has logged in; unknown of sessions that there are already.

Columns without a default, so no table is rebuilt, and the version before goes on.

Revision ID: 0025
Revises: 0024
Create Date: 2026-11-26
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sessions", sa.Column("browser", sa.String(250)))
    op.add_column("sessions", sa.Column("address", sa.String(45)))


def downgrade() -> None:
    op.drop_column("sessions", "address")
    op.drop_column("sessions", "browser")
