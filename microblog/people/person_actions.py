"""What can be done with a person, on their profile: each package adds by `config.add_person_action`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class PersonAction:
    """`template` (an asset specification) is a link or a form, and gets the person as `person`. Who is
    logged in sees it on the profile of everybody else; one that is `for_blocked` also where neither
    sees the other.
    """

    name: str
    template: str
    order: int
    for_blocked: bool = False


def add_person_action(
    config: Any, name: str, template: str, *, order: int, for_blocked: bool = False
) -> None:
    """Directive: a link or a form beside "Follow" on profiles, in ascending `order` (see `PersonAction`)."""
    action = PersonAction(name=name, template=template, order=order, for_blocked=for_blocked)

    def register() -> None:
        actions = {**config.registry.person_actions, name: action}
        config.registry.person_actions = dict(sorted(actions.items(), key=lambda item: item[1].order))

    config.action(("person action", name), register)


def includeme(config: Any) -> None:
    config.registry.person_actions = {}
    config.add_directive("add_person_action", add_person_action)
    config.add_template_global("person_actions", lambda request: request.registry.person_actions.values())
