"""Events: what happened, told to whoever subscribed with `config.add_subscriber(function, EventClass)`.

Here are those of the foundation, and what all changes of the database have in common. Their classes stand in
the room whose action notifies them (`posts/events.py`): a new room adds its own, and this module knows none.
An action notifies inside of its transaction, after it did something. A subscriber works in the same
transaction, with `event.session`: rolled back, nothing of it stays.
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

    `imported` says that it did not happen now: it came from a file, or was made up for a demonstration.
    Whoever notifies people, sends mail or calls other sites leaves it out.
    """

    session: orm.Session
    imported: bool = False


def notify(change: Change) -> None:
    """Call the subscribers of the application whose `Database` made the session."""
    change.session.info["registry"].notify(change)


@dataclass(slots=True)
class RequestFailed:
    """A request met a fault of ours. The page of the error shows `incident`, when a subscriber sets it."""

    request: Request
    error: Exception
    incident: str | None = None


@dataclass(frozen=True, slots=True)
class TaskFailed:
    """A task of the worker failed, once more or for the first time; the worker has it in the log."""

    registry: Registry
    task: str
    error: Exception


@dataclass(frozen=True, slots=True)
class RoundStarted:
    """The worker begins a round of its tasks."""

    registry: Registry


@dataclass(frozen=True, slots=True)
class AlertRaised:
    """Something that the admins should be told.

    What has the same `kind` and `group` is the same fault: the first is mailed at once, others are counted.
    """

    registry: Registry
    kind: str
    group: str
    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class LogSetUp:
    """The log was set up as an ini file says, by a command."""

    registry: Registry
