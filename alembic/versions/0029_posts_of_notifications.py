"""The reference from notifications to posts, which SQLite has already.

Revision ID: 0029
Revises: 0028
Create Date: 2026-11-26
"""

from __future__ import annotations

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

NAME = "fk_notification_groups_post_id_posts"


def upgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.create_foreign_key(NAME, "notification_groups", "posts", ["post_id"], ["id"], ondelete="CASCADE")


def downgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.drop_constraint(NAME, "notification_groups", type_="foreignkey")
