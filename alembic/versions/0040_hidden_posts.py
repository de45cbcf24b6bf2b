"""Posts that moderators hide.

A column that may be NULL, and other bodies of the functions and triggers that count posts: no
table is rebuilt. The version before goes on, and shows posts that are hidden meanwhile.

Revision ID: 0040
Revises: 0039
Create Date: 2026-11-27
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.add_column("posts", sa.Column("hidden", sa.SmallInteger))
    for statement in TRIGGERS[op.get_context().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    for statement in FORMER[op.get_context().dialect.name]:
        op.execute(statement)
    op.drop_column("posts", "hidden")


# A post that is hidden counts neither for its author nor for the post that it answers.
SQLITE = {
    "posts_inserted": """CREATE TRIGGER posts_inserted AFTER INSERT ON posts {counted} BEGIN
        UPDATE users SET posts_count = posts_count + 1 WHERE id = new.user_id; END""",
    "posts_deleted": """CREATE TRIGGER posts_deleted AFTER DELETE ON posts {gone} BEGIN
        UPDATE users SET posts_count = posts_count - 1 WHERE id = old.user_id; END""",
    "posts_moved": """CREATE TRIGGER posts_moved AFTER UPDATE OF user_id ON posts {counted} BEGIN
        UPDATE users SET posts_count = posts_count - 1 WHERE id = old.user_id;
        UPDATE users SET posts_count = posts_count + 1 WHERE id = new.user_id; END""",
    "replies_inserted": """CREATE TRIGGER replies_inserted AFTER INSERT ON posts
        WHEN new.reply_to IS NOT NULL {and_counted} BEGIN
        UPDATE posts SET replies_count = replies_count + 1 WHERE id = new.reply_to; END""",
    "replies_deleted": """CREATE TRIGGER replies_deleted AFTER DELETE ON posts
        WHEN old.reply_to IS NOT NULL {and_gone} BEGIN
        UPDATE posts SET replies_count = replies_count - 1 WHERE id = old.reply_to; END""",
}
HIDDEN = {
    "counted": "WHEN new.hidden IS NULL",
    "gone": "WHEN old.hidden IS NULL",
    "and_counted": "AND new.hidden IS NULL",
    "and_gone": "AND old.hidden IS NULL",
}
COUNT_POSTS = """CREATE OR REPLACE FUNCTION count_posts() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP IN ('DELETE', 'UPDATE') {and_gone} THEN
            UPDATE users SET posts_count = posts_count - 1 WHERE id = OLD.user_id;
        END IF;
        IF TG_OP IN ('INSERT', 'UPDATE') {and_counted} THEN
            UPDATE users SET posts_count = posts_count + 1 WHERE id = NEW.user_id;
        END IF;
        RETURN NULL;
    END $$"""
COUNT_REPLIES = """CREATE OR REPLACE FUNCTION count_replies() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'INSERT' {and_counted} THEN
            UPDATE posts SET replies_count = replies_count + 1 WHERE id = NEW.reply_to;
        ELSIF TG_OP = 'DELETE' {and_gone} THEN
            UPDATE posts SET replies_count = replies_count - 1 WHERE id = OLD.reply_to;
        END IF;
        RETURN NULL;
    END $$"""
TRIGGERS = {
    "sqlite": [
        *(f"DROP TRIGGER {name}" for name in SQLITE),
        *(statement.format(**HIDDEN) for statement in SQLITE.values()),
        """CREATE TRIGGER posts_hidden AFTER UPDATE OF hidden ON posts
            WHEN (old.hidden IS NULL) <> (new.hidden IS NULL) BEGIN
            UPDATE posts SET replies_count = replies_count + iif(new.hidden IS NULL, 1, -1)
                WHERE id = new.reply_to;
            UPDATE users SET posts_count = posts_count + iif(new.hidden IS NULL, 1, -1)
                WHERE id = new.user_id; END""",
    ],
    "postgresql": [
        COUNT_POSTS.format(**HIDDEN),
        COUNT_REPLIES.format(**HIDDEN),
        """CREATE FUNCTION count_hidden_posts() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            step integer := CASE WHEN NEW.hidden IS NULL THEN 1 ELSE -1 END;
        BEGIN
            UPDATE posts SET replies_count = replies_count + step WHERE id = NEW.reply_to;
            UPDATE users SET posts_count = posts_count + step WHERE id = NEW.user_id;
            RETURN NULL;
        END $$""",
        """CREATE TRIGGER posts_hidden AFTER UPDATE OF hidden ON posts
            FOR EACH ROW WHEN ((OLD.hidden IS NULL) <> (NEW.hidden IS NULL))
            EXECUTE FUNCTION count_hidden_posts()""",
    ],
}
NOTHING = dict.fromkeys(HIDDEN, "")
FORMER = {
    "sqlite": [
        "DROP TRIGGER posts_hidden",
        *(f"DROP TRIGGER {name}" for name in SQLITE),
        *(statement.format(**NOTHING) for statement in SQLITE.values()),
    ],
    "postgresql": [
        "DROP TRIGGER posts_hidden ON posts",
        "DROP FUNCTION count_hidden_posts()",
        COUNT_POSTS.format(**NOTHING),
        COUNT_REPLIES.format(**NOTHING),
    ],
}
