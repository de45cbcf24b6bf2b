"""The site that a command works on: its ini file, the application of it, and whether all is well."""

from __future__ import annotations

import configparser
import errno
import functools
import shlex
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import click
import sqlalchemy as sa
from alembic.script import ScriptDirectory

from microblog import configure
from microblog.console.ini import IniFile, set_up_log
from microblog.console.logfiles import log_files
from microblog.db import DATABASE_URL, Database, sqlite_file, without_password
from microblog.errors import OperatorError
from microblog.logs.failing_logs import prepare_handlers
from microblog.observing import Observer, observed
from microblog.operations import migrating
from microblog.outages import AWAY, MISSING, DatabaseUnavailable
from microblog.request import Registry
from microblog.search.interfaces import SearchUnavailable, get_search_index
from microblog.settings import SettingsError
from microblog.settings import log as settings_log

DEFAULT_INI = "development.ini"
PRIVATE = 0o600
# A file or folder that the operator has to see to.
UNUSABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.ENAMETOOLONG)


class Site:
    """A site by its ini file. Building it reads nothing yet."""

    def __init__(self, ini: str | None) -> None:
        self.ini = Path(ini or DEFAULT_INI)
        self._named = ini is not None
        if not self.ini.is_file():
            raise OperatorError(
                f"There is no file {self.ini}: name the site's settings with -c FILE.ini, "
                "or make some with `microblog new FOLDER`."
            )
        try:
            self._loader: Any = IniFile(self.ini)
        except OSError as error:
            raise OperatorError(
                f"The ini file {self.ini} cannot be read ({error.strerror}): "
                "run this as a user who may, such as that of the site."
            ) from error
        except UnicodeDecodeError as error:
            raise OperatorError(f"The ini file {self.ini} is not UTF-8: save it in that encoding.") from error
        if self.ini.suffix != ".ini":
            raise OperatorError(f"{self.ini} is no ini file: its name has to end in .ini.")

    def command(self, words: str) -> str:
        """What to type for this site: `microblog -c FILE.ini WORDS`."""
        return f"microblog -c {shlex.quote(str(self.ini))} {words}" if self._named else f"microblog {words}"

    def setup_logging(self) -> None:
        """Log as the ini file says."""
        set_up_log(self._loader, self.ini)
        prepare_handlers()
        self.registry.microblog.log_warnings()

    def section(self, name: str) -> dict[str, str]:
        """The keys of a section of the ini file; none when it is not there."""
        return dict(self._loader.get_settings(name))

    @cached_property
    def registry(self) -> Registry:
        """The registry of the application.

        :raises SettingsError: with every fault of the settings.
        """
        return configure(dict(self._loader.get_wsgi_app_settings("main"))).registry

    @property
    def observers(self) -> list[Observer]:
        """Who is told what the command did; nobody when it needed no application."""
        return list(self.registry.observers) if "registry" in self.__dict__ else []

    @property
    def database(self) -> Database:
        database: Database = self.registry.database
        return database

    def application(self) -> Any:
        """The WSGI application, with the filters that the ini file puts around it."""
        from pyramid.config import global_registries

        settings_log.disabled = True  # what it warns of is told by `setup_logging`, when there is a log
        try:
            application = self._loader.get_wsgi_app("main")
        finally:
            settings_log.disabled = False
        # A filter around the application has no registry.
        self.__dict__["registry"] = global_registries.last
        return application

    def close(self) -> None:
        """Give back the connections: the last one that SQLite closes tidies up its files."""
        if "registry" in self.__dict__:
            self.database.close()

    @property
    def database_file(self) -> Path | None:
        """The file of an SQLite database; None for another."""
        return sqlite_file(self.registry.microblog[DATABASE_URL])

    @cached_property
    def log_files(self) -> list[Path]:
        """
        :raises LogError: when the log cannot be set up.
        """
        return log_files(self.ini)

    def upgrade(self) -> str:
        """Make what is missing: folder, tables, the tables of the search adapter.

        What was done, as a sentence.
        """
        if self.database_file is not None:
            self.database_file.parent.mkdir(parents=True, exist_ok=True)
            if not self.database_file.exists():
                self.database_file.touch(PRIVATE)  # it will hold addresses and hashes of passwords
        with self.database.without_limits():
            return self._upgrade()

    def _upgrade(self) -> str:
        before = migrating.current(self.database)
        file = self.database_file
        place = file.absolute() if file else without_password(self.registry.microblog[DATABASE_URL])
        if before not in (None, *self._known_revisions()):
            raise OperatorError(str(self._problem_of_revision(before)))
        migrating.upgrade(self.database)
        with self.database.write() as session:
            migrating.wait_for_others(session.connection())
            get_search_index(self.registry).install(session)
        after = migrating.head()
        if before == after:
            return f"The database is up to date (revision {after}): {place}."
        if before is None:
            return f"The database is made (revision {after}): {place}."
        return f"The database is upgraded from revision {before} to {after}: {place}."

    def _known_revisions(self) -> set[str]:
        scripts = ScriptDirectory.from_config(migrating.alembic_config(self.database))
        return {script.revision for script in scripts.walk_revisions()}

    def _problem_of_revision(self, revision: str | None) -> str | None:
        upgrade = f"run `{self.command('database upgrade')}`."
        if revision is None:
            return f"The database is empty: {upgrade}"
        if revision not in self._known_revisions():
            return (
                f"The database was made by a newer version of microblog (revision {revision}) than this one "
                f"(revision {migrating.head()}): install that version, or go back to a backup."
            )
        if revision != migrating.head():
            return (
                f"The database is at revision {revision}, this microblog needs {migrating.head()}: {upgrade}"
            )
        return None

    def problem_of_database(self) -> str | None:
        """Why the database cannot be used, with what to do; None when it can."""
        if self.database_file is not None and not self.database_file.exists():
            return (
                f"There is no database at {self.database_file} yet: run `{self.command('database upgrade')}`."
            )
        try:
            return self._problem_of_revision(migrating.current(self.database))
        except sa.exc.DatabaseError as error:
            return sentence_about(error)

    def problems(self) -> Iterator[str]:
        """What an operator should know before people do, each with what to do about it."""
        problem = self.problem_of_database()
        if problem is not None:
            yield problem
            return
        try:
            with self.database.read() as session:
                get_search_index(self.registry).status(session)
        except SearchUnavailable as error:
            yield str(error)

    def require_database(self) -> Database:
        """The database, with the tables that this version needs.

        :raises OperatorError: with what to do when it has not.
        """
        problem = self.problem_of_database()
        if problem is not None:
            raise OperatorError(problem)
        return self.database


def pass_site(command: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: the command's first argument is the `Site` of `-c`."""

    @functools.wraps(command)
    def with_site(**arguments: Any) -> Any:
        site = Site(click.get_current_context().find_root().obj)
        try:
            with observed(site, click.get_current_context().command_path):
                return command(site, **arguments)
        finally:
            site.close()

    return with_site


def sentence_about(error: Exception) -> str | None:
    """What happened and what to do, for what an operator can mend; None for a fault of ours."""
    if isinstance(error, SettingsError):
        return f"The settings are wrong; correct them and try again:\n{error}"
    # Not its other subclasses: a broken constraint is a fault of ours.
    if isinstance(error, sa.exc.OperationalError) or type(error) is sa.exc.DatabaseError:
        return sentence_about_database(error)
    if isinstance(error, (configparser.Error, LookupError)) and is_about_ini(error):
        return f"The ini file cannot be read: {fault_of_ini(error)}"
    if isinstance(error, ModuleNotFoundError) and not (error.name or "").startswith("microblog"):
        return (
            f"{error.name} is not installed, but the settings ask for it: install it "
            "(`pip install 'microblog[development]'` has what development.ini needs), or take it out of them."
        )
    if isinstance(error, OSError) and error.errno in UNUSABLE:
        return (
            f"{error.filename or 'A file'} cannot be read or written ({error.strerror}): name another, or "
            "run this as a user who may."
        )
    return str(error) if isinstance(error, OperatorError) else None


def sentence_about_database(error: sa.exc.DatabaseError) -> str:
    if isinstance(error, DatabaseUnavailable) and error.outage not in (AWAY, MISSING):
        return f"{error.outage.title} ({error.reason}). {error.outage.advice}"
    reason = " ".join(str(error.orig).split())
    return f"The database cannot be used ({reason}): check {DATABASE_URL.key}, and whether it runs."


def fault_of_ini(error: Exception) -> str:
    if isinstance(error, configparser.InterpolationError):
        # Not its own words: they repeat the value, which may be a secret.
        return f"write a % as %% in {error.option} of [{error.section}]."
    return " ".join(str(error).split())


def is_about_ini(error: Exception) -> bool:
    """PasteDeploy says with a bare LookupError that a section is missing."""
    return isinstance(error, configparser.Error) or "in config" in str(error)
