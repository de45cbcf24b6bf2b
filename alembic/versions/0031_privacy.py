"""What people choose about being found: by searches, among people, and when they were here.

Columns with a default, so no table is rebuilt, and the version before goes on.

Revision ID: 0031
Revises: 0030
Create Date: 2026-11-27
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

COLUMNS = ("is_indexed", "is_listed", "shows_last_seen")


def upgrade() -> None:
    for name in COLUMNS:
        op.add_column("users", sa.Column(name, sa.Boolean, server_default=sa.true(), nullable=False))


def downgrade() -> None:
    for name in reversed(COLUMNS):
        op.drop_column("users", name)
