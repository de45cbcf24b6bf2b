"""What is withheld of people who are suspended: their follows and followers, what they like and boost.

New tables, and columns of one that is new as well. The version before goes on: it knows nothing of them.

Revision ID: 0041
Revises: 0040
Create Date: 2026-11-27
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")
# Of each table its key, and its order.
TABLES = {
    "withheld_follows": (("follower_id", "followee_id"), "since"),
    "withheld_likes": (("user_id", "post_id"), "id"),
    "withheld_boosts": (("user_id", "post_id"), "id"),
}


def upgrade() -> None:
    op.add_column("suspensions", sa.Column("state", sa.SmallInteger, server_default="0", nullable=False))
    op.add_column("suspensions", sa.Column("position", sa.BigInteger, server_default="0", nullable=False))
    op.create_index("ix_suspensions_state_user_id", "suspensions", ["state", "user_id"])
    for name, (key, order) in TABLES.items():
        # Whom and what these refer to besides may be deleted meanwhile: then they are not given back.
        op.create_table(
            name,
            *(sa.Column(column, Id, nullable=False) for column in key),
            sa.Column(order, sa.BigInteger, nullable=False),
            sa.Column("of_id", Id, nullable=False),
            sa.ForeignKeyConstraint(
                ["of_id"], ["users.id"], name=f"fk_{name}_of_id_users", ondelete="CASCADE"
            ),
            sa.PrimaryKeyConstraint(*key, name=f"pk_{name}"),
        )
        op.create_index(f"ix_{name}_of_id", name, ["of_id"])


def downgrade() -> None:
    for name in TABLES:
        op.drop_table(name)
    op.drop_index("ix_suspensions_state_user_id", "suspensions")
    for column in ("position", "state"):
        op.drop_column("suspensions", column)
