"""What people are told about, and what of it they want.

New tables: the version before goes on without them. The reference to posts follows in a migration of its
own, since on PostgreSQL each reference keeps writers from the table that it leads to.

Revision ID: 0028
Revises: 0027
Create Date: 2026-11-26
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    posts = []
    if op.get_context().dialect.name == "sqlite":
        # It would have to write the table anew to add this.
        posts.append(
            sa.ForeignKeyConstraint(
                ["post_id"], ["posts.id"], name="fk_notification_groups_post_id_posts", ondelete="CASCADE"
            )
        )
    op.create_table(
        "notification_groups",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("kind", sa.String(30), nullable=False),
        sa.Column("cause", sa.BigInteger, nullable=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("post_id", Id, nullable=True),
        sa.Column("latest", sa.BigInteger, nullable=False),
        sa.Column("read_until", sa.BigInteger, server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_notification_groups_user_id_users", ondelete="CASCADE"
        ),
        *posts,
        sa.PrimaryKeyConstraint("id", name="pk_notification_groups"),
        sa.UniqueConstraint(
            "user_id", "kind", "cause", "day", name="uq_notification_groups_user_id_kind_cause_day"
        ),
    )
    op.create_index("ix_notification_groups_user_id_latest", "notification_groups", ["user_id", "latest"])
    op.create_index(
        "ix_notification_groups_user_id_latest_unread",
        "notification_groups",
        ["user_id", "latest"],
        sqlite_where=sa.text("latest > read_until"),
        postgresql_where=sa.text("latest > read_until"),
    )
    op.create_index("ix_notification_groups_post_id", "notification_groups", ["post_id"])
    op.create_table(
        "notifications",
        sa.Column("group_id", Id, nullable=False),
        sa.Column("actor_id", Id, nullable=False),
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("withdrawn", sa.Boolean, server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["notification_groups.id"],
            name="fk_notifications_group_id_notification_groups",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["users.id"], name="fk_notifications_actor_id_users", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("group_id", "actor_id", name="pk_notifications"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_notifications_group_id_id", "notifications", ["group_id", "id"])
    op.create_index("ix_notifications_actor_id", "notifications", ["actor_id"])
    op.create_table(
        "notice_choices",
        sa.Column("user_id", Id, nullable=False),
        sa.Column("kind", sa.String(30), nullable=False),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("wanted", sa.Boolean, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_notice_choices_user_id_users", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "kind", "channel", name="pk_notice_choices"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("notice_choices")
    op.drop_table("notifications")
    op.drop_table("notification_groups")
