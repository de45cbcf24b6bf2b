"""`/admin/`, and the pages that rooms add to it with `config.add_admin_page`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pyramid.authorization import ALL_PERMISSIONS, Allow, Deny, Everyone
from zope.interface import Interface

from microblog.request import Registry
from microblog.tree import Branch, Container, Resource


@dataclass(frozen=True)
class AdminPage:
    """`/admin/{name}/` is the resource that `factory(admin, name)` makes; `label` is its link."""

    name: str
    label: str
    factory: Branch


class IAdminPages(Interface):
    """The pages by name."""


class AdminPages(dict[str, AdminPage]):
    """The registered `IAdminPages`."""


class Admin(Container):
    """The parent of all pages for admins; nobody else may see it."""

    __acl__ = [(Allow, "group:admin", "view"), (Deny, Everyone, ALL_PERMISSIONS)]

    def find(self, name: str) -> Resource | None:
        page = get_admin_pages(self.request.registry).get(name)
        return None if page is None else page.factory(self, name)


def get_admin_pages(registry: Registry) -> AdminPages:
    pages: AdminPages = registry.getUtility(IAdminPages)
    return pages


def list_admin_pages(registry: Registry) -> list[AdminPage]:
    """All pages, sorted by label."""
    return sorted(get_admin_pages(registry).values(), key=lambda page: page.label)


def add_admin_page(config: Any, name: str, label: str, factory: Branch) -> None:
    """Directive: a page for admins, at `/admin/{name}/`; its views are those of the class of the resource."""
    page = AdminPage(name, label, factory)
    config.action(("admin page", name), lambda: get_admin_pages(config.registry).__setitem__(name, page))
