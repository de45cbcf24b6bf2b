"""Backups, copies and migrations of the database."""

from typing import Any


def includeme(config: Any) -> None:
    config.include("microblog.operations.checks")
    config.include("microblog.operations.counts")
    config.include("microblog.operations.migrations")
    config.include("microblog.operations.commands")
