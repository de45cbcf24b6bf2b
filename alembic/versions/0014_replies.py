"""Replies: what a post answers, how many answer it, and what is left of a deleted one.

Columns with a default or that may be NULL, so no table is rebuilt. The version before goes on: its posts
answer nothing. Triggers keep the number of replies, and note a deletion, so that cascades and bulk statements
count too.

Revision ID: 0014
Revises: 0013
Create Date: 2026-11-26
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "deleted_posts",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("thread", sa.BigInteger, nullable=False),
        sa.Column("deleted", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_deleted_posts"),
    )
    op.add_column("posts", sa.Column("reply_to", sa.BigInteger))
    op.add_column("posts", sa.Column("reply_to_author", sa.BigInteger))
    op.add_column("posts", sa.Column("thread", sa.BigInteger))
    op.add_column("posts", sa.Column("replies_count", sa.Integer, server_default="0", nullable=False))
    for statement in TRIGGERS[op.get_context().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    for statement in NO_TRIGGERS[op.get_context().dialect.name]:
        op.execute(statement)
    for column in ("replies_count", "thread", "reply_to_author", "reply_to"):
        op.drop_column("posts", column)
    op.drop_table("deleted_posts")


TRIGGERS = {
    "sqlite": [
        """CREATE TRIGGER replies_inserted AFTER INSERT ON posts WHEN new.reply_to IS NOT NULL BEGIN
            UPDATE posts SET replies_count = replies_count + 1 WHERE id = new.reply_to; END""",
        """CREATE TRIGGER replies_deleted AFTER DELETE ON posts WHEN old.reply_to IS NOT NULL BEGIN
            UPDATE posts SET replies_count = replies_count - 1 WHERE id = old.reply_to; END""",
        """CREATE TRIGGER posts_buried AFTER DELETE ON posts BEGIN
            INSERT OR REPLACE INTO deleted_posts (id, thread, deleted) VALUES (
                old.id, coalesce(old.thread, old.id),
                CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)); END""",
    ],
    "postgresql": [
        """CREATE FUNCTION count_replies() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'INSERT' THEN
                UPDATE posts SET replies_count = replies_count + 1 WHERE id = NEW.reply_to;
            ELSE
                UPDATE posts SET replies_count = replies_count - 1 WHERE id = OLD.reply_to;
            END IF;
            RETURN NULL;
        END $$""",
        """CREATE TRIGGER replies_inserted AFTER INSERT ON posts
            FOR EACH ROW WHEN (NEW.reply_to IS NOT NULL) EXECUTE FUNCTION count_replies()""",
        """CREATE TRIGGER replies_deleted AFTER DELETE ON posts
            FOR EACH ROW WHEN (OLD.reply_to IS NOT NULL) EXECUTE FUNCTION count_replies()""",
        """CREATE FUNCTION bury_posts() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO deleted_posts (id, thread, deleted)
                SELECT id, coalesce(thread, id), extract(epoch FROM now()) * 1000 FROM old_posts
                ON CONFLICT DO NOTHING;
            RETURN NULL;
        END $$""",
        """CREATE TRIGGER posts_buried AFTER DELETE ON posts REFERENCING OLD TABLE AS old_posts
            FOR EACH STATEMENT EXECUTE FUNCTION bury_posts()""",
    ],
}
NO_TRIGGERS = {
    "sqlite": [
        "DROP TRIGGER replies_inserted",
        "DROP TRIGGER replies_deleted",
        "DROP TRIGGER posts_buried",
    ],
    "postgresql": [
        "DROP TRIGGER replies_inserted ON posts",
        "DROP TRIGGER replies_deleted ON posts",
        "DROP TRIGGER posts_buried ON posts",
        "DROP FUNCTION count_replies()",
        "DROP FUNCTION bury_posts()",
    ],
}
