"""Likes, boosts and bookmarks: to which posts they are, and how many a post has.

Columns with a default, so no table is rebuilt. Triggers keep the numbers, so that cascades and bulk
statements count too. On PostgreSQL once for each statement: a post takes its hundred thousand likes with it
by one, and the posts of somebody who goes are locked in one order.

Revision ID: 0017
Revises: 0016
Create Date: 2026-11-26
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

COUNTED = ("likes", "boosts")


def upgrade() -> None:
    for table in COUNTED:
        op.add_column("posts", sa.Column(f"{table}_count", sa.Integer, server_default="0", nullable=False))
    dialect = op.get_context().dialect.name
    if dialect == "postgresql":
        for table in (*COUNTED, "bookmarks"):
            op.create_foreign_key(
                f"fk_{table}_post_id_posts", table, "posts", ["post_id"], ["id"], ondelete="CASCADE"
            )
    for table in COUNTED:
        for statement in TRIGGERS[dialect]:
            op.execute(statement.format(table=table))


def downgrade() -> None:
    dialect = op.get_context().dialect.name
    for table in COUNTED:
        for statement in NO_TRIGGERS[dialect]:
            op.execute(statement.format(table=table))
    if dialect == "postgresql":
        for table in (*COUNTED, "bookmarks"):
            op.drop_constraint(f"fk_{table}_post_id_posts", table, type_="foreignkey")
    for table in COUNTED:
        op.drop_column("posts", f"{table}_count")


TRIGGERS = {
    "sqlite": [
        """CREATE TRIGGER {table}_inserted AFTER INSERT ON {table} BEGIN
            UPDATE posts SET {table}_count = {table}_count + 1 WHERE id = new.post_id; END""",
        """CREATE TRIGGER {table}_deleted AFTER DELETE ON {table} BEGIN
            UPDATE posts SET {table}_count = {table}_count - 1 WHERE id = old.post_id; END""",
        """CREATE TRIGGER {table}_moved AFTER UPDATE OF post_id ON {table} BEGIN
            UPDATE posts SET {table}_count = {table}_count - 1 WHERE id = old.post_id;
            UPDATE posts SET {table}_count = {table}_count + 1 WHERE id = new.post_id; END""",
    ],
    "postgresql": [
        """CREATE FUNCTION count_new_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM 1 FROM posts WHERE id IN (SELECT post_id FROM new_rows) ORDER BY id FOR NO KEY UPDATE;
            UPDATE posts SET {table}_count = {table}_count + added.number
                FROM (SELECT post_id, count(*) AS number FROM new_rows GROUP BY post_id) added
                WHERE posts.id = added.post_id;
            RETURN NULL;
        END $$""",
        """CREATE FUNCTION count_old_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM 1 FROM posts WHERE id IN (SELECT post_id FROM old_rows) ORDER BY id FOR NO KEY UPDATE;
            UPDATE posts SET {table}_count = {table}_count - gone.number
                FROM (SELECT post_id, count(*) AS number FROM old_rows GROUP BY post_id) gone
                WHERE posts.id = gone.post_id;
            RETURN NULL;
        END $$""",
        """CREATE FUNCTION count_moved_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE posts SET {table}_count = {table}_count - 1 WHERE id = OLD.post_id;
            UPDATE posts SET {table}_count = {table}_count + 1 WHERE id = NEW.post_id;
            RETURN NULL;
        END $$""",
        """CREATE TRIGGER {table}_inserted AFTER INSERT ON {table} REFERENCING NEW TABLE AS new_rows
            FOR EACH STATEMENT EXECUTE FUNCTION count_new_{table}()""",
        """CREATE TRIGGER {table}_deleted AFTER DELETE ON {table} REFERENCING OLD TABLE AS old_rows
            FOR EACH STATEMENT EXECUTE FUNCTION count_old_{table}()""",
        """CREATE TRIGGER {table}_moved AFTER UPDATE OF post_id ON {table}
            FOR EACH ROW EXECUTE FUNCTION count_moved_{table}()""",
    ],
}
NO_TRIGGERS = {
    "sqlite": [f"DROP TRIGGER {{table}}_{event}" for event in ("inserted", "deleted", "moved")],
    "postgresql": [
        *(f"DROP TRIGGER {{table}}_{event} ON {{table}}" for event in ("inserted", "deleted", "moved")),
        *(f"DROP FUNCTION count_{which}_{{table}}()" for which in ("new", "old", "moved")),
    ],
}
