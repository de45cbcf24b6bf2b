"""The worker is counted."""

from __future__ import annotations

from typing import Any

from microblog.events import RoundStarted, TaskFailed


def count_round(event: RoundStarted) -> None:
    event.registry.numbers.count("worker_rounds")


def count_failure(event: TaskFailed) -> None:
    event.registry.numbers.count("worker_failures", task=event.task)


def includeme(config: Any) -> None:
    config.add_subscriber(count_round, RoundStarted)
    config.add_subscriber(count_failure, TaskFailed)
