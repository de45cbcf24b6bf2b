"""Backups, copies and migrations of the database."""

from typing import Any


def includeme(config: Any) -> None:
    config.include("microblog.operations.checks")
