"""Forms that are kept over a log-in, and what came of forms that were sent.

Revision ID: 0006
Revises: 0005
Create Date: 2026-11-25
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")
Moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        # In one transaction with 0010, which alters this table. To go from the weaker lock of the foreign
        # keys below to that one would be a deadlock with a request that has read a person and writes one.
        op.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
    op.create_table(
        "kept_forms",
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("fields", sa.Text, nullable=False),
        sa.Column("created", Moment, nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_kept_forms"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_kept_forms_user_id_users", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_kept_forms_user_id", "kept_forms", ["user_id"])
    op.create_index("ix_kept_forms_created", "kept_forms", ["created"])
    op.create_table(
        "form_results",
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("created", Moment, nullable=False),
        sa.Column("location", sa.Text, nullable=False),
        sa.Column("messages", sa.Text, nullable=False),
        sa.Column("user_id", Id),
        sa.Column("remembered", sa.Boolean),
        sa.Column("password_digest", sa.String(64)),
        sa.PrimaryKeyConstraint("fingerprint", name="pk_form_results"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_form_results_user_id_users", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_form_results_user_id", "form_results", ["user_id"])
    op.create_index("ix_form_results_created", "form_results", ["created"])


def downgrade() -> None:
    op.drop_table("form_results")
    op.drop_table("kept_forms")
