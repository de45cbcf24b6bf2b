"""Upgrades the database of a site to what this version needs."""

from __future__ import annotations

from typing import Any

from zope.interface import implementer

from microblog.console.interfaces import IMigrations
from microblog.console.site import Site
from microblog.db import DATABASE_URL, mask_password
from microblog.errors import OperatorError
from microblog.operations import migrating
from microblog.search.interfaces import get_search_index

PRIVATE = 0o600


@implementer(IMigrations)
class Migrations:
    """The migrations of Alembic (migrating.py), for commands."""

    def find_problem(self, site: Site) -> str | None:
        file = site.database_file
        if file is not None and not file.exists():
            return f"There is no database at {file} yet: run `{site.command('database upgrade')}`."
        return find_revision_problem(site, migrating.get_current_revision(site.database))

    def upgrade(self, site: Site) -> str:
        file = site.database_file
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            if not file.exists():
                file.touch(PRIVATE)  # it will hold addresses and hashes of passwords
        with site.database.without_limits():
            return upgrade(site)


def upgrade(site: Site) -> str:
    before = migrating.get_current_revision(site.database)
    file = site.database_file
    location = file.absolute() if file else mask_password(site.registry.microblog[DATABASE_URL])
    if before not in (None, *migrating.list_known_revisions(site.database)):
        raise OperatorError(str(find_revision_problem(site, before)))
    migrating.upgrade(site.database)
    with site.database.write() as session:
        migrating.wait_for_others(session.connection())
        get_search_index(site.registry).install(session)
    after = migrating.get_head()
    if before == after:
        return f"The database is up to date (revision {after}): {location}."
    if before is None:
        return f"The database is made (revision {after}): {location}."
    return f"The database is upgraded from revision {before} to {after}: {location}."


def find_revision_problem(site: Site, revision: str | None) -> str | None:
    upgrade = f"run `{site.command('database upgrade')}`."
    if revision is None:
        return f"The database is empty: {upgrade}"
    if revision not in migrating.list_known_revisions(site.database):
        return (
            f"The database was made by a newer version of microblog (revision {revision}) than this one "
            f"(revision {migrating.get_head()}): install that version, or go back to a backup."
        )
    if revision != migrating.get_head():
        return (
            f"The database is at revision {revision}, this microblog needs {migrating.get_head()}: {upgrade}"
        )
    return None


def includeme(config: Any) -> None:
    config.registry.registerUtility(Migrations(), IMigrations)
