"""The reference from mentions to people, which SQLite has already.

Revision ID: 0021
Revises: 0020
Create Date: 2026-11-26
"""

from __future__ import annotations

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

NAME = "fk_mentions_user_id_users"


def upgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.create_foreign_key(NAME, "mentions", "users", ["user_id"], ["id"], ondelete="CASCADE")


def downgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.drop_constraint(NAME, "mentions", type_="foreignkey")
