"""Whether each part of the site works: rooms say how that is found out.

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
DATABASE = "database"  # the check on which most others rest
SECONDS = 2.0


@dataclass(frozen=True)
class Finding:
    """`level` is OK, WARNING or FAULT; the sentence of the latter two says what to do."""

    level: str
    sentence: str


class CheckedSite(Protocol):
    """What the details of a check may ask a site for."""

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


class NotAsked(Exception):
    """Raised by a check that has no answer now; it is left out."""


Check = Callable[[Any], str | None]
Details = Callable[[Any], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """`check(registry)` gives the end of a sentence about what is wrong, or None; it may raise, or hang.

    `details(site)` is what doctor says instead, where that has more to say; a check without `check` is for
    doctor alone. What `needs_database` is asked when that answers, and what is `full` reads everything, for
    `doctor --full`. `seconds` is how long readiness waits for it. What `logs_itself` is not logged twice.
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

    Checks come in the order of `order`: ours are from -50 to 50, so others come in between.
    """
    entry = HealthCheck(name, order, check, **options)

    def register() -> None:
        config.registry.health_checks[name] = entry

    introspectable = config.introspectable("health checks", name, name, "health check")
    config.action(("health check", name), register, order=-10, introspectables=(introspectable,))


def get_health_checks(registry: Registry) -> list[HealthCheck]:
    return sorted(registry.health_checks.values(), key=attrgetter("order"))


def add_folder(config: Any, name: str, folder: Path | None, *, is_small: bool = False) -> None:
    """Directive: `config.add_folder("profiles", path)`, to which the site writes, when that is set.

    Doctor looks whether it has room. One that `is_small` needs little, such as a disk in memory.
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
