"""Private messages: the threads and messages of each person, and who may write to whom.

New tables: the version before goes on without them.

Revision ID: 0030
Revises: 0029
Create Date: 2026-11-26
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "message_threads",
        sa.Column("owner_id", Id, nullable=False),
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("person_id", Id),
        sa.Column("last_id", sa.BigInteger, nullable=False),
        sa.Column("sent_id", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("received_id", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("read_id", sa.BigInteger, nullable=False, server_default="0"),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name="fk_message_threads_owner_id_users", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["users.id"], name="fk_message_threads_person_id_users", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("owner_id", "id", name="pk_message_threads"),
        sa.UniqueConstraint("owner_id", "person_id", name="uq_message_threads_owner_id_person_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_message_threads_person_id", "message_threads", ["person_id"])
    op.create_index("ix_message_threads_owner_id_last_id", "message_threads", ["owner_id", "last_id"])
    is_unread = sa.text("received_id > read_id")
    op.create_index(
        "ix_message_threads_unread",
        "message_threads",
        ["owner_id", "last_id"],
        sqlite_where=is_unread,
        postgresql_where=is_unread,
    )
    op.create_table(
        "messages",
        sa.Column("owner_id", Id, nullable=False),
        sa.Column("thread_id", sa.BigInteger, nullable=False),
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("is_mine", sa.Boolean, nullable=False),
        sa.Column("message_text", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id", "thread_id"],
            ["message_threads.owner_id", "message_threads.id"],
            name="fk_messages_owner_id_thread_id_message_threads",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("owner_id", "thread_id", "id", name="pk_messages"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "message_senders",
        sa.Column("user_id", Id, nullable=False),
        sa.Column("senders", sa.String(10), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_message_senders_user_id_users", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name="pk_message_senders"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("message_senders")
    op.drop_table("messages")
    op.drop_table("message_threads")
