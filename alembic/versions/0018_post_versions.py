"""Edited posts: how often and when a post was edited, and its earlier versions.

Columns with a default or that may be NULL, so no table is rebuilt. The version before goes on: its posts are
not edited.

Revision ID: 0018
Revises: 0017
Create Date: 2026-11-26
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.add_column("posts", sa.Column("version", sa.Integer, server_default="1", nullable=False))
    op.add_column("posts", sa.Column("edited", sa.BigInteger))
    op.create_table(
        "post_versions",
        sa.Column("post_id", Id, autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("language", sa.String(35)),
        sa.Column("written", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(
            ["post_id"], ["posts.id"], name="fk_post_versions_post_id_posts", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("post_id", "number", name="pk_post_versions"),
    )


def downgrade() -> None:
    op.drop_table("post_versions")
    op.drop_column("posts", "edited")
    op.drop_column("posts", "version")
