"""The database of a site is brought to where this version needs it."""

from __future__ import annotations

from typing import Any

from zope.interface import implementer

from microblog.console.interfaces import IMigrations
from microblog.console.site import Site
from microblog.db import DATABASE_URL, without_password
from microblog.errors import OperatorError
from microblog.operations import migrating
from microblog.search.interfaces import get_search_index

PRIVATE = 0o600


@implementer(IMigrations)
class Migrations:
    """Those of Alembic (migrating.py), for commands."""

    def find_problem(self, site: Site) -> str | None:
        file = site.database_file
        if file is not None and not file.exists():
            return f"There is no database at {file} yet: run `{site.command('database upgrade')}`."
        return problem_of_revision(site, migrating.current(site.database))

    def upgrade(self, site: Site) -> str:
        file = site.database_file
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            if not file.exists():
                file.touch(PRIVATE)  # it will hold addresses and hashes of passwords
        with site.database.without_limits():
            return upgrade(site)


def upgrade(site: Site) -> str:
    before = migrating.current(site.database)
    file = site.database_file
    place = file.absolute() if file else without_password(site.registry.microblog[DATABASE_URL])
    if before not in (None, *migrating.known_revisions(site.database)):
        raise OperatorError(str(problem_of_revision(site, before)))
    migrating.upgrade(site.database)
    with site.database.write() as session:
        migrating.wait_for_others(session.connection())
        get_search_index(site.registry).install(session)
    after = migrating.head()
    if before == after:
        return f"The database is up to date (revision {after}): {place}."
    if before is None:
        return f"The database is made (revision {after}): {place}."
    return f"The database is upgraded from revision {before} to {after}: {place}."


def problem_of_revision(site: Site, revision: str | None) -> str | None:
    upgrade = f"run `{site.command('database upgrade')}`."
    if revision is None:
        return f"The database is empty: {upgrade}"
    if revision not in migrating.known_revisions(site.database):
        return (
            f"The database was made by a newer version of microblog (revision {revision}) than this one "
            f"(revision {migrating.head()}): install that version, or go back to a backup."
        )
    if revision != migrating.head():
        return f"The database is at revision {revision}, this microblog needs {migrating.head()}: {upgrade}"
    return None


def includeme(config: Any) -> None:
    config.registry.registerUtility(Migrations(), IMigrations)
