"""The basis of commands: their registry, the site of an ini file, progress, failures as sentences."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.console.commands import add_command

    config.registry.commands = {}
    config.add_directive("add_command", add_command)
