"""The links in the layout of every page: each room adds its own with `config.add_nav_item`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pyramid.exceptions import ConfigurationError

from microblog.request import Request

SLOTS = ("header", "nav", "footer", "end", "errors")


def is_anybody(request: Request) -> bool:
    return True


def is_visitor(request: Request) -> bool:
    """Is the reader not logged in?"""
    return request.identity is None


def is_logged_in(request: Request) -> bool:
    """Is the reader logged in?"""
    return request.identity is not None


def is_admin(request: Request) -> bool:
    return request.identity is not None and request.identity.is_admin


@dataclass(frozen=True, kw_only=True)
class NavItem:
    """A link, or a template of its own, in the `slot` "header", "nav", "footer" or "errors" (after an error),
    or a template at the "end" of the page.

    It is the current page when the view gives its `name` as `page_name`. A `template` (an asset
    specification) has its own `<li>` (in the header and footer: none) and gets the item as `item`.
    """

    name: str
    label: str = ""
    link: Callable[[Request], str] | None = None
    template: str | None = None
    shown: Callable[[Request], bool] = is_anybody
    order: int
    slot: str = "nav"


def add_nav_item(
    config: Any,
    name: str,
    label: str = "",
    link: Callable[[Request], str] | None = None,
    *,
    order: int,
    **more: Any,
) -> None:
    """Directive: a link in the layout of every page, in ascending `order` (see `NavItem`)."""
    item = NavItem(name=name, label=label, link=link, order=order, **more)
    if item.slot not in SLOTS or (item.link is None) == (item.template is None):
        raise ConfigurationError(
            f"The nav item {name!r} needs a link or a template, and one of the slots {', '.join(SLOTS)}."
        )
    config.action(("nav item", name), lambda: config.registry.nav_items.__setitem__(name, item))


def list_nav_items(request: Request, slot: str) -> list[NavItem]:
    """The items of this slot that the reader of this page sees, in order."""
    items = [item for item in request.registry.nav_items.values() if item.slot == slot]
    return sorted((item for item in items if item.shown(request)), key=lambda item: item.order)


def includeme(config: Any) -> None:
    config.registry.nav_items = {}
    config.add_directive("add_nav_item", add_nav_item)
    config.add_template_global("nav_items", lambda request: lambda slot: list_nav_items(request, slot))
