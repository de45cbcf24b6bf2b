"""Events: what happened. Subscribe with `config.add_subscriber(function, EventClass)`.

This module has the events of the foundation, and the base class of changes to the database. The class of a
change is in the room whose action notifies it (`posts/events.py`). An action notifies inside its transaction,
after its change. A subscriber uses the same transaction, by `event.session`, and is rolled back with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import orm

    from microblog.request import Registry, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something was changed in the database, in the transaction of `session`.

    `imported` means that it did not happen now: it came from a file, or was made up for a demonstration.
    Subscribers that notify people, send mail or call other sites ignore it.
    """

    session: orm.Session
    imported: bool = False


def notify(change: Change) -> None:
    """Call the subscribers of the application whose `Database` made the session."""
    change.session.info["registry"].notify(change)


@dataclass(slots=True)
class RequestFailed:
    """A request failed by a fault of ours. The error page shows `incident`, when a subscriber sets it."""

    request: Request
    error: Exception
    incident: str | None = None


@dataclass(frozen=True, slots=True)
class TaskFailed:
    """A task of the worker failed, for the first time or again; the worker has logged it."""

    registry: Registry
    task: str
    error: Exception


@dataclass(frozen=True, slots=True)
class RoundStarted:
    """The worker begins a round of its tasks."""

    registry: Registry


@dataclass(frozen=True, slots=True)
class AlertRaised:
    """Something that the admins should know.

    Alerts of the same `kind` and `group` are about the same fault: the first is mailed at once, others are
    counted.
    """

    registry: Registry
    kind: str
    group: str
    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class LogSetUp:
    """A command has set up logging from an ini file."""

    registry: Registry
