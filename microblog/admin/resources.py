"""`/admin/`, and the pages that rooms add to it with `config.add_admin_page`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from pyramid.authorization import ALL_PERMISSIONS, Allow, Deny, Everyone
from zope.interface import Interface

from microblog.request import Registry, Request
from microblog.security.policy import ADMINS, MODERATORS
from microblog.tree import Branch, Container, Resource


@dataclass(frozen=True)
class AdminPage:
    """`/admin/{name}/` is the resource that `factory(admin, name)` makes; `label` is its link.

    Moderators see it, too, when it is `for_moderators`.
    """

    name: str
    label: str
    factory: Branch
    for_moderators: bool = False


class IAdminPages(Interface):
    """The pages by name."""


class AdminPages(dict[str, AdminPage]):
    """The registered `IAdminPages`."""


NOBODY_ELSE = (Deny, Everyone, ALL_PERMISSIONS)


class Admin(Container):
    """The parent of all pages for admins and moderators; nobody else may see it."""

    __acl__ = [*((Allow, role, ("view", "moderate")) for role in (ADMINS, MODERATORS)), NOBODY_ELSE]

    def find(self, name: str) -> Resource | None:
        page = get_admin_pages(self.request.registry).get(name)
        if page is None:
            return None
        resource: Any = page.factory(self, name)
        if not page.for_moderators:
            resource.__acl__ = [(Allow, ADMINS, "view"), NOBODY_ELSE]
        return cast(Resource, resource)


def get_admin_pages(registry: Registry) -> AdminPages:
    pages: AdminPages = registry.getUtility(IAdminPages)
    return pages


def list_admin_pages(request: Request) -> list[AdminPage]:
    """The pages that the reader may see, sorted by label; none for anybody else."""
    me = request.identity
    pages = get_admin_pages(request.registry).values()
    if me is None or not (me.is_admin or me.is_moderator):
        return []
    shown = (page for page in pages if me.is_admin or page.for_moderators)
    return sorted(shown, key=lambda page: page.label)


def add_admin_page(
    config: Any, name: str, label: str, factory: Branch, *, for_moderators: bool = False
) -> None:
    """Directive: a page for admins, at `/admin/{name}/`; its views are those of the class of the resource.

    Moderators see it, too, when it is `for_moderators`.
    """
    page = AdminPage(name, label, factory, for_moderators)
    config.action(("admin page", name), lambda: get_admin_pages(config.registry).__setitem__(name, page))
