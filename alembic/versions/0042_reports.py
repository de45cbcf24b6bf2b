"""Reports, and people whom moderators take out of the lists of everybody.

New tables, a column with a default, and two indexes of people that are made in one look through them. The
version before goes on: it lists these people, and knows no reports.

Revision ID: 0042
Revises: 0041
Create Date: 2026-11-27
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")
IS_OPEN = sa.text("closed IS NULL")


def upgrade() -> None:
    op.add_column("users", sa.Column("is_limited", sa.Boolean, server_default=sa.false(), nullable=False))
    op.create_index(
        "ix_users_id_limited",
        "users",
        ["id"],
        sqlite_where=sa.text("is_limited = 1"),
        postgresql_where=sa.text("is_limited"),
    )
    op.create_index("ix_users_member_since", "users", ["member_since"])
    op.create_table(
        "report_cases",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("subject", sa.String(60), nullable=False),
        sa.Column("person_id", Id, nullable=False),
        sa.Column("post_id", sa.BigInteger),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("claimed_by", sa.BigInteger),
        sa.Column("closed", sa.BigInteger),
        sa.Column("closed_by", sa.BigInteger),
        sa.Column("decision", sa.Text, server_default=sa.text("''"), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["users.id"], name="fk_report_cases_person_id_users", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_report_cases"),
    )
    op.create_index(
        "uq_report_cases_subject",
        "report_cases",
        ["subject"],
        unique=True,
        sqlite_where=IS_OPEN,
        postgresql_where=IS_OPEN,
    )
    op.create_index(
        "ix_report_cases_id_open", "report_cases", ["id"], sqlite_where=IS_OPEN, postgresql_where=IS_OPEN
    )
    op.create_index(
        "ix_report_cases_claimed_by_id_open",
        "report_cases",
        ["claimed_by", "id"],
        sqlite_where=IS_OPEN,
        postgresql_where=IS_OPEN,
    )
    op.create_index("ix_report_cases_person_id_id", "report_cases", ["person_id", "id"])
    op.create_table(
        "reports",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("case_id", Id, nullable=False),
        sa.Column("reporter_id", Id),
        sa.Column("reason", sa.String(100), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("wants_answer", sa.Boolean, nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"], ["report_cases.id"], name="fk_reports_case_id_report_cases", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["reporter_id"], ["users.id"], name="fk_reports_reporter_id_users", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_reports"),
    )
    op.create_index("ix_reports_case_id_id", "reports", ["case_id", "id"])
    op.create_index("ix_reports_reporter_id", "reports", ["reporter_id"])


def downgrade() -> None:
    op.drop_table("reports")
    op.drop_table("report_cases")
    op.drop_index("ix_users_member_since", "users")
    op.drop_index("ix_users_id_limited", "users")
    op.drop_column("users", "is_limited")
