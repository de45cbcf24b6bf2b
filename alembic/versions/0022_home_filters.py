"""What people leave out of their home timeline: words, and languages that they do not read.

Columns with a default, so no table is rebuilt, and the version before goes on.

Revision ID: 0022
Revises: 0021
Create Date: 2026-11-26
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "users", sa.Column("muted_words", sa.String(2000), server_default=sa.text("''"), nullable=False)
    )
    op.add_column(
        "users", sa.Column("only_read_languages", sa.Boolean, server_default=sa.false(), nullable=False)
    )


def downgrade() -> None:
    op.drop_column("users", "only_read_languages")
    op.drop_column("users", "muted_words")
