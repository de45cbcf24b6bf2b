"""Addresses that people want to have, and the ones they had; sign-ups that wait, and invitations.

New tables: the version before goes on without them.

Revision ID: 0033
Revises: 0032
Create Date: 2026-11-27
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "address_changes",
        sa.Column("user_id", Id, autoincrement=False, nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_address_changes_user_id_users", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name="pk_address_changes"),
        sa.UniqueConstraint("token_hash", name="uq_address_changes_token_hash"),
    )
    op.create_index("ix_address_changes_expires", "address_changes", ["expires"])
    op.create_table(
        "former_addresses",
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("changed", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_former_addresses_user_id_users", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name="pk_former_addresses"),
    )
    op.create_index("ix_former_addresses_user_id", "former_addresses", ["user_id"])
    op.create_index("ix_former_addresses_expires", "former_addresses", ["expires"])
    op.create_table(
        "registrations",
        sa.Column("id", Id, nullable=False),
        sa.Column("nickname", sa.String(30), nullable=False),
        sa.Column("nickname_key", sa.String(30), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("email_key", sa.String(254), nullable=False),
        sa.Column("password_hash", sa.String(255), nullable=False),
        sa.Column("is_confirmed", sa.Boolean, nullable=False),
        sa.Column("language", sa.String(35), nullable=False),
        sa.Column("asked", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_registrations"),
        sa.UniqueConstraint("nickname_key", name="uq_registrations_nickname_key"),
        sa.UniqueConstraint("email_key", name="uq_registrations_email_key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "invitations",
        sa.Column("id", Id, nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("uses", sa.Integer, nullable=False),
        sa.Column("used", sa.Integer, nullable=False, server_default="0"),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_invitations"),
        sa.UniqueConstraint("token_hash", name="uq_invitations_token_hash"),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    op.drop_table("invitations")
    op.drop_table("registrations")
    op.drop_table("former_addresses")
    op.drop_table("address_changes")
