"""How Alembic runs our migrations: from an ini file, or from `microblog database upgrade`."""

from __future__ import annotations

from alembic import context

from microblog.operations.migrating import run_migrations

run_migrations(context)
