"""Moderators; and who did what to whom, in a table that nobody can change.

A column with a default, a small index of the few moderators, made in one look through the people, and a new
table. The version before goes on: for it a moderator is like everybody else.

Revision ID: 0038
Revises: 0037
Create Date: 2026-11-27
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.add_column("users", sa.Column("is_moderator", sa.Boolean, server_default=sa.false(), nullable=False))
    op.create_index(
        "ix_users_id_moderators",
        "users",
        ["id"],
        sqlite_where=sa.text("is_moderator = 1"),
        postgresql_where=sa.text("is_moderator"),
    )
    op.create_table(
        "audit_entries",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("actor_id", sa.BigInteger),
        sa.Column("actor", sa.String(30), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("person_id", sa.BigInteger),
        sa.Column("person", sa.String(30), nullable=False),
        sa.Column("subject", sa.String(60), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("said", sa.Text, nullable=False),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("after", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_entries"),
    )
    for column in ("actor_id", "actor", "person_id", "person", "action"):
        op.create_index(f"ix_audit_entries_{column}_id", "audit_entries", [column, "id"])
    for statement in TRIGGERS[op.get_context().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("audit_entries")
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_to_change_the_audit()")
    op.drop_index("ix_users_id_moderators", "users")
    op.drop_column("users", "is_moderator")


REFUSAL = "The audit trail cannot be changed."
TRIGGERS = {
    "sqlite": [
        f"""CREATE TRIGGER audit_entries_not_{done} BEFORE {event} ON audit_entries
            BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"""
        for done, event in (("changed", "UPDATE"), ("deleted", "DELETE"))
    ],
    "postgresql": [
        f"""CREATE FUNCTION refuse_to_change_the_audit() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$""",
        """CREATE TRIGGER audit_entries_not_changed BEFORE UPDATE OR DELETE ON audit_entries
            FOR EACH ROW EXECUTE FUNCTION refuse_to_change_the_audit()""",
        """CREATE TRIGGER audit_entries_not_emptied BEFORE TRUNCATE ON audit_entries
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_the_audit()""",
    ],
}
