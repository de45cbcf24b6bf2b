"""The site that a command works on: its ini file, its application, and what is wrong with it."""

from __future__ import annotations

import functools
import os
import shlex
from collections.abc import Callable, Iterator
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import click
import sqlalchemy as sa

from microblog import configure, configure_without_site
from microblog.checks import Check, HealthCheck, NotAsked, get_health_checks
from microblog.console.commands import get_command, get_names
from microblog.console.ini import IniFile, set_up_log
from microblog.console.interfaces import IMigrations
from microblog.console.logfiles import find_log_files
from microblog.console.sentences import explain_error
from microblog.db import DATABASE_URL, Database, get_sqlite_file
from microblog.errors import OperatorError
from microblog.events import LogSetUp
from microblog.observing import Observer, observe
from microblog.probes import Probe
from microblog.request import Registry
from microblog.settings import log as settings_log

DEFAULT_INI = "development.ini"
INI_VARIABLE = "MICROBLOG_CONFIG"
DEFAULT_LISTEN = "localhost:6543"
SERVER_SECTION = "server:main"


class Site:
    """A site, given by its ini file. The application is built when it is first needed."""

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
        self.registry.notify(LogSetUp(self.registry))
        self.registry.microblog.log_warnings()

    def read_section(self, name: str) -> dict[str, str]:
        """The keys of a section of the ini file; none when there is no such section."""
        return dict(self._loader.get_settings(name))

    @cached_property
    def registry(self) -> Registry:
        """The registry of the application, without views: for commands.

        :raises SettingsError: with every fault of the settings.
        """
        return configure(dict(self._loader.get_wsgi_app_settings("main")), with_views=False).registry

    @property
    def observers(self) -> list[Observer]:
        """The observers of the application; none when it was not built."""
        return list(self.registry.observers) if "registry" in self.__dict__ else []

    @property
    def database(self) -> Database:
        database: Database = self.registry.database
        return database

    def load_application(self) -> Any:
        """The WSGI application, with the filters that the ini file puts around it."""
        from pyramid.config import global_registries

        settings_log.disabled = True  # `setup_logging` logs its warnings, when there is a log
        try:
            application = self._loader.get_wsgi_app("main")
        finally:
            settings_log.disabled = False
        # Not `application.registry`: a filter around the application has none.
        self.__dict__["registry"] = global_registries.last
        return application

    def close(self) -> None:
        """Close the connections: with the last one SQLite removes its -wal and -shm files."""
        if "registry" in self.__dict__:
            self.database.close()

    @property
    def database_file(self) -> Path | None:
        """The file of an SQLite database; None for another."""
        return get_sqlite_file(self.registry.microblog[DATABASE_URL])

    @cached_property
    def log_files(self) -> list[Path]:
        """
        :raises LogError: when the log cannot be set up.
        """
        return find_log_files(self.ini)

    def upgrade(self) -> str:
        """Make what is missing (folder, tables, those of the search adapter); return a sentence about it."""
        return self._migrations.upgrade(self)

    def find_database_problem(self) -> str | None:
        """Why the database cannot be used, with what to do; None when it can."""
        try:
            return self._migrations.find_problem(self)
        except sa.exc.DatabaseError as error:
            return explain_error(error)

    @property
    def _migrations(self) -> Any:
        return self.registry.getUtility(IMigrations)

    def find_problems(self) -> Iterator[str]:
        """What is wrong with the site, as sentences that say what to do."""
        problem = self.find_database_problem()
        if problem is not None:
            yield problem
            return
        for entry in get_health_checks(self.registry):
            if entry.check is not None and entry.needs_database and not (entry.logs_itself or entry.full):
                sentence = find_problem(self.registry, entry, entry.check)
                if sentence is not None:
                    yield sentence

    def require_database(self) -> Database:
        """The database, with the tables that this version needs.

        :raises OperatorError: with what to do, when a table is missing or outdated.
        """
        problem = self.find_database_problem()
        if problem is not None:
            raise OperatorError(problem)
        return self.database


def find_problem(registry: Registry, entry: HealthCheck, check: Check) -> str | None:
    """The problem that a check finds, as a sentence; a check that fails or hangs must not stop the server."""
    try:
        problem = Probe(partial(check, registry)).ask(entry.seconds)
    except NotAsked:
        return None
    except OperatorError as error:
        return str(error)
    except TimeoutError:
        return f"{entry.name}: no answer within {entry.seconds:g} seconds."
    except Exception as error:
        return f"{entry.name}: could not be checked ({type(error).__name__}: {error})."
    return None if problem is None else f"{entry.name}: {problem}."


class Console:
    """The site of one call of `microblog`, and the commands that it has."""

    def __init__(self, ini: str | None) -> None:
        self._ini = ini
        self._failure: Exception | None = None

    @cached_property
    def site(self) -> Site:
        """
        :raises OperatorError: when there is none.
        """
        return Site(self._ini)

    @cached_property
    def registry(self) -> Registry:
        """The registry of the site, whose ini file may add commands; without a site, one of our own."""
        try:
            return self.site.registry
        except Exception as error:  # a command that needs the site will raise it again
            self._failure = error
            return configure_without_site(with_views=False).registry

    def list_commands(self, group: str = "") -> list[str]:
        return get_names(self.registry, group)

    def get_command(self, name: str) -> click.Command | None:
        """The command of this name; None when there is none.

        :raises Exception: what is wrong with the site, when that may be why the command is unknown.
        """
        command = get_command(self.registry, name)
        if command is None and self._failure is not None and self._ini is not None:
            raise self._failure
        return command


def get_console(context: click.Context) -> Console:
    """The console of this call of `microblog`."""
    root = context.find_root()
    if root.obj is None:
        # `--help` is answered before the other options are read.
        root.obj = Console(root.params.get("ini") or os.environ.get(INI_VARIABLE))
    console: Console = root.obj
    return console


class OpenGroup(click.Group):
    """A group to which other packages add commands, by `config.add_command("group command", …)`."""

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted([*super().list_commands(context), *get_console(context).list_commands(str(self.name))])

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        own = super().get_command(context, name)
        return get_console(context).get_command(f"{self.name} {name}") if own is None else own


def pass_site(command: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: the command's first argument is the `Site` of `-c`."""

    @functools.wraps(command)
    def with_site(**arguments: Any) -> Any:
        context = click.get_current_context()
        site = get_console(context).site
        try:
            with observe(site, context.command_path):
                return command(site, **arguments)
        finally:
            site.close()

    return with_site
