"""Mails to people, and the kinds of them that somebody has switched off.

New tables: the version before goes on without them.

Revision ID: 0026
Revises: 0025
Create Date: 2026-11-26
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "mails",
        sa.Column("id", Id, nullable=False),
        sa.Column("kind", sa.String(30), nullable=False),
        sa.Column("cause", sa.String(200), nullable=False),
        sa.Column("user_id", Id, nullable=True),
        sa.Column("address", sa.String(254), nullable=False),
        sa.Column("is_own_address", sa.Boolean, nullable=False),
        sa.Column("message_id", sa.String(300), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=True),
        sa.Column("html", sa.Text, nullable=True),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("begun", sa.BigInteger, nullable=True),
        sa.Column("finished", sa.BigInteger, nullable=True),
        sa.Column("answer", sa.Text, nullable=True),
        sa.Column("is_perhaps_twice", sa.Boolean, server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_mails_user_id_users", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_mails"),
        sa.UniqueConstraint("kind", "cause", name="uq_mails_kind_cause"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_mails_user_id", "mails", ["user_id"])
    op.create_index("ix_mails_state_id", "mails", ["state", "id"])
    op.create_index("ix_mails_state_finished", "mails", ["state", "finished"])
    op.create_table(
        "mail_refusals",
        sa.Column("user_id", Id, nullable=False),
        sa.Column("kind", sa.String(30), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_mail_refusals_user_id_users", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "kind", name="pk_mail_refusals"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("mail_refusals")
    op.drop_table("mails")
