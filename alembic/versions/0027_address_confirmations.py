"""Whether an address is confirmed, the links by which it is, and accounts that wait for that.

New tables: an account without a row counts as confirmed, so none of those that exist is written anew.

Revision ID: 0027
Revises: 0026
Create Date: 2026-11-26
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "address_confirmations",
        sa.Column("user_id", Id, autoincrement=False, nullable=False),
        sa.Column("confirmed", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_address_confirmations_user_id_users", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name="pk_address_confirmations"),
    )
    op.create_table(
        "account_tokens",
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("purpose", sa.String(20), nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("email_key", sa.String(254), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_account_tokens_user_id_users", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name="pk_account_tokens"),
    )
    op.create_index("ix_account_tokens_user_id", "account_tokens", ["user_id"])
    op.create_index("ix_account_tokens_expires", "account_tokens", ["expires"])
    op.create_table(
        "pending_sign_ups",
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("nickname", sa.String(30), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("password_hash", sa.String(255), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_pending_sign_ups"),
    )
    op.create_index("ix_pending_sign_ups_expires", "pending_sign_ups", ["expires"])


def downgrade() -> None:
    op.drop_table("pending_sign_ups")
    op.drop_table("account_tokens")
    op.drop_table("address_confirmations")
