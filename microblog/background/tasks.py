"""The worker's tasks: functions of packages that are called regularly, outside of requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from microblog.request import Registry

# Where a task runs when the worker is a process of its own: in that process, in the thread that the server
# still has, or in both. When the worker is a thread of the server, it runs all tasks except those of SERVER.
WORKER, SERVER, EVERYWHERE = "worker", "server", "everywhere"

Function = Callable[[Any], object]


@dataclass(frozen=True, slots=True)
class Task:
    """`function(registry)` is called once in `every` seconds, or in each round when that is 0.

    When it returns True there is more to do, and it is called again in the next round.
    `where` is WORKER, SERVER or EVERYWHERE.
    """

    name: str
    function: Function
    every: float
    where: str


def add_worker_task(
    config: Any, name: str, function: Function, *, every: float = 0, where: str = WORKER, order: int = 0
) -> None:
    """Directive: `config.add_worker_task("old forms", delete_old_forms, every=600)`.

    Tasks run in the order of `order`, then in the order in which they were registered.
    """
    task = Task(name, function, every, where)

    def register() -> None:
        config.registry.worker_tasks[name] = (order, task)

    introspectable = config.introspectable("worker tasks", name, name, "worker task")
    introspectable.update(every=every, where=where)
    config.action(("worker task", name), register, order=-10, introspectables=(introspectable,))


def get_tasks(registry: Registry, *where: str) -> list[Task]:
    """The tasks whose `where` is one of these, in their order."""
    ordered = sorted(registry.worker_tasks.values(), key=itemgetter(0))
    return [task for _, task in ordered if task.where in where]
