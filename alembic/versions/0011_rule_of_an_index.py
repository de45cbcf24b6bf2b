"""The version of the rule by which an index was made.

A column that may be NULL, so no table is rebuilt, and the version before goes on. NULL: the index is one that
that version made.

Revision ID: 0011
Revises: 0010
Create Date: 2026-11-26
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("index_states", sa.Column("rule", sa.String(64)))


def downgrade() -> None:
    op.drop_column("index_states", "rule")
