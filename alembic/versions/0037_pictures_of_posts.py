"""What a post shows of its pictures, in its own row; and the reference to it that SQLite has already.

A column that may be NULL, so no table is rebuilt. The version before shows posts without their pictures.

Revision ID: 0037
Revises: 0036
Create Date: 2026-11-27
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

NAME = "fk_pictures_post_id_posts"


def upgrade() -> None:
    op.add_column("posts", sa.Column("pictures", sa.Text))
    if op.get_context().dialect.name == "postgresql":
        op.create_foreign_key(NAME, "pictures", "posts", ["post_id"], ["id"], ondelete="CASCADE")


def downgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.drop_constraint(NAME, "pictures", type_="foreignkey")
    op.drop_column("posts", "pictures")
