"""How far imports have come, and the authors that they made accounts for.

Revision ID: 0002
Revises: 0001
Create Date: 2026-11-22
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "imports",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("file_name", sa.String(255), nullable=False),
        sa.Column("lines", sa.BigInteger, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("posts", sa.BigInteger, nullable=False),
        sa.Column("present", sa.BigInteger, nullable=False),
        sa.Column("refused", sa.BigInteger, nullable=False),
        sa.Column("started", MOMENT, nullable=False),
        sa.Column("finished", MOMENT),
        sa.PrimaryKeyConstraint("digest", name="pk_imports"),
    )
    op.create_table(
        "imported_authors",
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_imported_authors"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_imported_authors_user_id_users", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_imported_authors_user_id", "imported_authors", ["user_id"])


def downgrade() -> None:
    op.drop_table("imported_authors")
    op.drop_table("imports")
