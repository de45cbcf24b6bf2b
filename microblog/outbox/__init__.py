"""What must leave the process: rows that are written in the transaction of their cause."""

from typing import Any


def includeme(config: Any) -> None:
    config.include("microblog.outbox.tasks")
    config.add_models("microblog.outbox.models")
