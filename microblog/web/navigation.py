"""The links in the frame of every page: each room adds its own with `config.add_nav_item`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pyramid.exceptions import ConfigurationError

from microblog.request import Request

PLACES = ("header", "nav", "footer")


def everybody(request: Request) -> bool:
    return True


def visitors(request: Request) -> bool:
    """Who is not logged in."""
    return request.identity is None


def people(request: Request) -> bool:
    """Who is logged in."""
    return request.identity is not None


def admins(request: Request) -> bool:
    return request.identity is not None and request.identity.is_admin


@dataclass(frozen=True, kw_only=True)
class NavItem:
    """One link, or whatever its own template makes of it.

    It is the current page when the view gives its `name` as `page_name`. A `template`, an asset
    specification, brings its own `<li>` (in the header and the footer: none) and knows the item as `item`.
    """

    name: str
    label: str = ""
    link: Callable[[Request], str] | None = None
    template: str | None = None
    shown: Callable[[Request], bool] = everybody
    order: int
    place: str = "nav"


def add_nav_item(
    config: Any,
    name: str,
    label: str = "",
    link: Callable[[Request], str] | None = None,
    *,
    order: int,
    **more: Any,
) -> None:
    """Directive: a link in the frame of every page, in ascending `order` (see `NavItem`)."""
    item = NavItem(name=name, label=label, link=link, order=order, **more)
    if item.place not in PLACES or (item.link is None) == (item.template is None):
        raise ConfigurationError(
            f"The nav item {name!r} needs a link or a template, and a place out of {', '.join(PLACES)}."
        )
    config.action(("nav item", name), lambda: config.registry.nav_items.__setitem__(name, item))


def list_nav_items(request: Request, place: str) -> list[NavItem]:
    """What whoever reads this page sees in this place, in order."""
    items = [item for item in request.registry.nav_items.values() if item.place == place]
    return sorted((item for item in items if item.shown(request)), key=lambda item: item.order)


def includeme(config: Any) -> None:
    config.registry.nav_items = {}
    config.add_directive("add_nav_item", add_nav_item)
    config.add_template_global("nav_items", lambda request: lambda place: list_nav_items(request, place))
