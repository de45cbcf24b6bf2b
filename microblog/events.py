"""Events of the foundation, which rooms subscribe to with `config.add_subscriber`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from microblog.request import Registry, Request


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
