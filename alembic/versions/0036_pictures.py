"""Pictures, and whose they are.

New tables, and columns of people that may be NULL or have a default, so no table is rebuilt, and the version
before goes on. Triggers keep how many bytes the pictures of a person have, and note which files nobody needs
any longer, so that cascades and bulk statements count too. On PostgreSQL the reference to posts comes with
the next migration: one that refers to two tables would keep writers from both.

Revision ID: 0036
Revises: 0035
Create Date: 2026-11-27
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")
# In the order in which storages list their files, whatever the language of the server is.
Name = sa.String(22).with_variant(sa.String(22, collation="C"), "postgresql")


def upgrade() -> None:
    references = [("user_id", "users")]
    if op.get_context().dialect.name == "sqlite":
        references.append(("post_id", "posts"))
    # First, since it takes the strongest lock of `users`: see `microblog/operations/migrating.py`.
    op.add_column("users", sa.Column("avatar", sa.String(22)))
    op.add_column("users", sa.Column("header", sa.String(22)))
    op.add_column("users", sa.Column("pictures_bytes", sa.BigInteger, server_default="0", nullable=False))
    op.create_table(
        "pictures",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("name", Name, nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("purpose", sa.String(10), nullable=False),
        sa.Column("post_id", Id),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("color", sa.String(7), nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("checksums", sa.String(400), nullable=False),
        sa.Column("waits_since", sa.BigInteger),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{referred}.id"], name=f"fk_pictures_{column}_{referred}", ondelete="CASCADE"
            )
            for column, referred in references
        ),
        sa.PrimaryKeyConstraint("id", name="pk_pictures"),
        sa.UniqueConstraint("name", name="uq_pictures_name"),
    )
    op.create_index("ix_pictures_user_id_id", "pictures", ["user_id", "id"])
    op.create_index("ix_pictures_post_id", "pictures", ["post_id"])
    waits = sa.text("waits_since IS NOT NULL")
    op.create_index(
        "ix_pictures_waits_since", "pictures", ["waits_since"], sqlite_where=waits, postgresql_where=waits
    )
    op.create_table(
        "picture_files_to_delete",
        sa.Column("name", Name, nullable=False),
        sa.Column("files", sa.Integer, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_picture_files_to_delete"),
    )
    for statement in TRIGGERS[op.get_context().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("pictures")
    op.drop_table("picture_files_to_delete")
    if op.get_context().dialect.name == "postgresql":
        for function in ("count_new_pictures", "count_old_pictures"):
            op.execute(f"DROP FUNCTION {function}()")
    for column in ("pictures_bytes", "header", "avatar"):
        op.drop_column("users", column)


# A picture has as many files as checksums, which have spaces between them.
TRIGGERS = {
    "sqlite": [
        """CREATE TRIGGER pictures_inserted AFTER INSERT ON pictures BEGIN
            UPDATE users SET pictures_bytes = pictures_bytes + new.bytes WHERE id = new.user_id; END""",
        """CREATE TRIGGER pictures_deleted AFTER DELETE ON pictures BEGIN
            UPDATE users SET pictures_bytes = pictures_bytes - old.bytes WHERE id = old.user_id;
            INSERT OR REPLACE INTO picture_files_to_delete (name, files, since) VALUES (
                old.name, length(old.checksums) - length(replace(old.checksums, ' ', '')) + 1,
                CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)); END""",
    ],
    "postgresql": [
        """CREATE FUNCTION count_new_pictures() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE users SET pictures_bytes = pictures_bytes + added.bytes
                FROM (SELECT user_id, sum(bytes) AS bytes FROM new_rows GROUP BY user_id) added
                WHERE users.id = added.user_id;
            RETURN NULL;
        END $$""",
        """CREATE FUNCTION count_old_pictures() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE users SET pictures_bytes = pictures_bytes - gone.bytes
                FROM (SELECT user_id, sum(bytes) AS bytes FROM old_rows GROUP BY user_id) gone
                WHERE users.id = gone.user_id;
            INSERT INTO picture_files_to_delete (name, files, since)
                SELECT name, length(checksums) - length(replace(checksums, ' ', '')) + 1,
                    extract(epoch FROM now()) * 1000 FROM old_rows
                ON CONFLICT DO NOTHING;
            RETURN NULL;
        END $$""",
        """CREATE TRIGGER pictures_inserted AFTER INSERT ON pictures REFERENCING NEW TABLE AS new_rows
            FOR EACH STATEMENT EXECUTE FUNCTION count_new_pictures()""",
        """CREATE TRIGGER pictures_deleted AFTER DELETE ON pictures REFERENCING OLD TABLE AS old_rows
            FOR EACH STATEMENT EXECUTE FUNCTION count_old_pictures()""",
    ],
}
