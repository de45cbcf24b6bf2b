"""The registry of commands, which packages add."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

import click
from pyramid.util import DottedNameResolver

from microblog.request import Registry


def add_command(config: Any, name: str, command: click.Command | str, *, order: int = 1000) -> None:
    """Directive: `config.add_command("letters", "post_office.commands.letters")`.

    `command` is a click command, or its dotted name, which is imported when it is called or listed. One whose
    name has two words, as `user suspend`, is one of a group that is an `OpenGroup`. Help lists commands in
    the order of `order`.
    """

    def register() -> None:
        config.registry.commands[name] = (order, command)

    introspectable = config.introspectable("commands", name, name, "command")
    config.action(("command", name), register, order=-10, introspectables=(introspectable,))


def get_names(registry: Registry, group: str = "") -> list[str]:
    """The names of the commands, or of those of a group that other packages have added, in their order."""
    entries = sorted(((order, name) for name, (order, _) in registry.commands.items()), key=itemgetter(0))
    parts = [name.rpartition(" ") for _, name in entries]
    return [name for before, _, name in parts if before == group]


def get_command(registry: Registry, name: str) -> click.Command | None:
    if name not in registry.commands:
        return None
    _, command = registry.commands[name]
    found: click.Command = DottedNameResolver().maybe_resolve(command)
    return found
