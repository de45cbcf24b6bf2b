"""People, their nicknames and sessions, posts and follows; counts kept by triggers.

Revision ID: 0001
Revises:
Create Date: 2026-11-22
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
NICKNAME_KEY = sa.String(30).with_variant(sa.String(30, collation="C"), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", ID, nullable=False),
        sa.Column("nickname", sa.String(30), nullable=False),
        sa.Column("email", sa.String(254)),
        sa.Column("email_key", sa.String(254)),
        sa.Column("password_hash", sa.String(255)),
        sa.Column("is_admin", sa.Boolean, server_default=sa.false(), nullable=False),
        sa.Column("about_me", sa.String(1400), server_default=sa.text("''"), nullable=False),
        sa.Column("member_since", MOMENT, nullable=False),
        sa.Column("last_seen", MOMENT),
        sa.Column("posts_count", sa.Integer, server_default="0", nullable=False),
        sa.Column("followers_count", sa.Integer, server_default="0", nullable=False),
        sa.Column("following_count", sa.Integer, server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("email_key", name="uq_users_email_key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "nicknames",
        sa.Column("key", NICKNAME_KEY, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_nicknames"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_nicknames_user_id_users", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_nicknames_user_id", "nicknames", ["user_id"])
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("seen", MOMENT, nullable=False),
        sa.Column("idle_seconds", sa.Integer, nullable=False),
        sa.Column("idle_until", MOMENT, nullable=False),
        sa.Column("expires", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_sessions"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_sessions_user_id_users", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])
    op.create_index("ix_sessions_idle_until", "sessions", ["idle_until"])
    op.create_table(
        "posts",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("language", sa.String(35)),
        sa.Column("form_key", sa.String(64)),
        sa.PrimaryKeyConstraint("id", name="pk_posts"),
        sa.UniqueConstraint("user_id", "form_key", name="uq_posts_user_id_form_key"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_posts_user_id_users", ondelete="CASCADE"),
    )
    op.create_index("ix_posts_user_id_id", "posts", ["user_id", "id"])
    op.create_table(
        "follows",
        sa.Column("follower_id", ID, nullable=False),
        sa.Column("followee_id", ID, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.CheckConstraint("follower_id <> followee_id", name="ck_follows_not_oneself"),
        sa.PrimaryKeyConstraint("follower_id", "followee_id", name="pk_follows"),
        sa.ForeignKeyConstraint(
            ["follower_id"], ["users.id"], name="fk_follows_follower_id_users", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["followee_id"], ["users.id"], name="fk_follows_followee_id_users", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_follows_followee_id_since", "follows", ["followee_id", "since"])
    op.create_index("ix_follows_follower_id_since", "follows", ["follower_id", "since"])
    for statement in TRIGGERS[op.get_context().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    # Their triggers go with the tables.
    for table in ("follows", "posts", "sessions", "nicknames", "users"):
        op.drop_table(table)
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP FUNCTION count_posts()")
        op.execute("DROP FUNCTION count_follows()")


# The counts of a person's posts, followers and followed people are columns: counting would grow
# with the number of rows. Triggers keep them, so that cascades and bulk statements count too.
TRIGGERS = {
    "sqlite": [
        """CREATE TRIGGER posts_inserted AFTER INSERT ON posts BEGIN
            UPDATE users SET posts_count = posts_count + 1 WHERE id = new.user_id; END""",
        """CREATE TRIGGER posts_deleted AFTER DELETE ON posts BEGIN
            UPDATE users SET posts_count = posts_count - 1 WHERE id = old.user_id; END""",
        """CREATE TRIGGER posts_moved AFTER UPDATE OF user_id ON posts BEGIN
            UPDATE users SET posts_count = posts_count - 1 WHERE id = old.user_id;
            UPDATE users SET posts_count = posts_count + 1 WHERE id = new.user_id; END""",
        """CREATE TRIGGER follows_inserted AFTER INSERT ON follows BEGIN
            UPDATE users SET following_count = following_count + 1 WHERE id = new.follower_id;
            UPDATE users SET followers_count = followers_count + 1 WHERE id = new.followee_id; END""",
        """CREATE TRIGGER follows_deleted AFTER DELETE ON follows BEGIN
            UPDATE users SET following_count = following_count - 1 WHERE id = old.follower_id;
            UPDATE users SET followers_count = followers_count - 1 WHERE id = old.followee_id; END""",
    ],
    "postgresql": [
        """CREATE FUNCTION count_posts() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP IN ('DELETE', 'UPDATE') THEN
                UPDATE users SET posts_count = posts_count - 1 WHERE id = OLD.user_id;
            END IF;
            IF TG_OP IN ('INSERT', 'UPDATE') THEN
                UPDATE users SET posts_count = posts_count + 1 WHERE id = NEW.user_id;
            END IF;
            RETURN NULL;
        END $$""",
        """CREATE TRIGGER posts_counted AFTER INSERT OR DELETE OR UPDATE OF user_id ON posts
            FOR EACH ROW EXECUTE FUNCTION count_posts()""",
        # Two people who follow each other at the same moment lock both rows in the same order.
        """CREATE FUNCTION count_follows() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            changed follows%ROWTYPE;
            step integer;
        BEGIN
            IF TG_OP = 'DELETE' THEN changed := OLD; step := -1; ELSE changed := NEW; step := 1; END IF;
            PERFORM 1 FROM users WHERE id IN (changed.follower_id, changed.followee_id)
                ORDER BY id FOR NO KEY UPDATE;
            UPDATE users SET following_count = following_count + step WHERE id = changed.follower_id;
            UPDATE users SET followers_count = followers_count + step WHERE id = changed.followee_id;
            RETURN NULL;
        END $$""",
        """CREATE TRIGGER follows_counted AFTER INSERT OR DELETE ON follows
            FOR EACH ROW EXECUTE FUNCTION count_follows()""",
    ],
}
