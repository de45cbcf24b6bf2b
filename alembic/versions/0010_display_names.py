"""Display names, and the words by which people are found.

A column with a default and new tables, so no table is rebuilt and the version before goes on. The worker
fills the words of the people who are here already.

Revision ID: 0010
Revises: 0009
Create Date: 2026-11-26
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")
Word = sa.String(40).with_variant(sa.String(40, collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column(
        "users", sa.Column("display_name", sa.String(300), server_default=sa.text("''"), nullable=False)
    )
    op.create_table(
        "person_words",
        sa.Column("user_id", Id, nullable=False),
        sa.Column("word", Word, nullable=False),
        sa.Column("rank", sa.SmallInteger, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_person_words_user_id_users", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "word", name="pk_person_words"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_person_words_rank_word_user_id", "person_words", ["rank", "word", "user_id"])
    op.create_table(
        "person_walks",
        sa.Column("rule", sa.String(64), nullable=False),
        sa.Column("last_id", sa.BigInteger, server_default="0", nullable=False),
        sa.Column("started", sa.BigInteger, nullable=False),
        sa.Column("finished", sa.BigInteger),
        sa.PrimaryKeyConstraint("rule", name="pk_person_walks"),
    )


def downgrade() -> None:
    op.drop_table("person_walks")
    op.drop_table("person_words")
    op.drop_column("users", "display_name")
