"""Health checks: does each part of the site work? Each room adds its own.

One check serves `/health/ready`, `/metrics` (`microblog_up`) and `microblog doctor`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any, Protocol

from microblog.db import Database
from microblog.request import Registry

OK, WARNING, FAULT = "ok", "warning", "fault"
DATABASE = "database"  # most other checks depend on it
SECONDS = 2.0


@dataclass(frozen=True)
class Finding:
    """`level` is OK, WARNING or FAULT; the sentence of a warning or fault says what to do."""

    level: str
    sentence: str


class CheckedSite(Protocol):
    """The part of a site that the details of a check may use."""

    ini: Path

    @property
    def registry(self) -> Registry: ...

    @property
    def database(self) -> Database: ...

    @property
    def database_file(self) -> Path | None: ...

    @property
    def log_files(self) -> list[Path]: ...

    def find_database_problem(self) -> str | None: ...

    def command(self, words: str) -> str: ...

    def read_section(self, name: str) -> dict[str, str]: ...


class NotAsked(Exception):
    """Raised by a check that has no answer now; the check is omitted."""


Check = Callable[[Any], str | None]
Details = Callable[[Any], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """`check(registry)` gives the end of a sentence about what is wrong, or None; it may raise, or hang.

    `details(site)` gives doctor more than `check`; without `check`, the check is for doctor alone. One that
    `needs_database` runs only while the database answers. One that is `full` reads everything, and runs for
    `doctor --full`. `seconds` is how long readiness waits for it. One that `logs_itself` is not logged again.
    """

    name: str
    order: int
    check: Check | None = None
    details: Details | None = None
    seconds: float = SECONDS
    needs_database: bool = True
    full: bool = False
    in_doctor: bool = True
    in_metrics: bool = True
    logs_itself: bool = False


def add_health_check(
    config: Any, name: str, check: Check | None = None, *, order: int = 0, **options: Any
) -> None:
    """Directive: `config.add_health_check("letters", check_letters)`; options are those of `HealthCheck`.

    Checks run in ascending `order`; ours have -50 to 50.
    """
    entry = HealthCheck(name, order, check, **options)

    def register() -> None:
        config.registry.health_checks[name] = entry

    introspectable = config.introspectable("health checks", name, name, "health check")
    config.action(("health check", name), register, order=-10, introspectables=(introspectable,))


def get_health_checks(registry: Registry) -> list[HealthCheck]:
    return sorted(registry.health_checks.values(), key=attrgetter("order"))


def add_folder(config: Any, name: str, folder: Path | None, *, is_small: bool = False) -> None:
    """Directive: `config.add_folder("profiles", path)`, to which the site writes; None when it is not set.

    Doctor checks that it has free space. One that `is_small`, such as a disk in memory, needs little.
    """

    def register() -> None:
        config.registry.folders[name] = Folder(name, folder, is_small)

    config.action(("folder", name), register, order=-10)


@dataclass(frozen=True, slots=True)
class Folder:
    name: str
    path: Path | None
    is_small: bool = False


def includeme(config: Any) -> None:
    config.registry.health_checks = {}
    config.registry.folders = {}
    config.add_directive("add_health_check", add_health_check)
    config.add_directive("add_folder", add_folder)
