"""People who are suspended, and a small index of those of whom nothing is seen.

A new table, and an index that is made in one look through the people. The version before goes on: it shows
nothing of somebody who is suspended, and says of their posts that they were deleted.

Revision ID: 0039
Revises: 0038
Create Date: 2026-11-27
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "suspensions",
        sa.Column("user_id", Id, nullable=False, autoincrement=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("said", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_suspensions_user_id_users", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name="pk_suspensions"),
    )
    op.create_index("ix_suspensions_since", "suspensions", ["since"])
    op.create_index(
        "ix_users_id_gone",
        "users",
        ["id"],
        sqlite_where=sa.text("is_gone = 1"),
        postgresql_where=sa.text("is_gone"),
    )


def downgrade() -> None:
    op.drop_index("ix_users_id_gone", "users")
    op.drop_table("suspensions")
