"""`/account/`: the pages of one's own account; each package adds its own with `config.add_account_page`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from microblog.accounts.resources import Account
from microblog.request import Request
from microblog.web.navigation import is_logged_in
from microblog.web.pages import page_view


@dataclass(frozen=True, kw_only=True)
class AccountPage:
    """A link at `/account/`, with a sentence that says what is there."""

    name: str
    label: str
    about: str
    order: int
    link: Callable[[Request], str]
    shown: Callable[[Request], bool] = is_logged_in


def add_account_page(
    config: Any,
    name: str,
    label: str,
    about: str,
    *,
    order: int,
    link: Callable[[Request], str] | None = None,
    **more: Any,
) -> None:
    """Directive: a page of `/account/`, in ascending `order`: `/account/{name}`, or what `link` says."""
    own = link or (lambda request: request.link("account", name))
    page = AccountPage(name=name, label=label, about=about, order=order, link=own, **more)
    config.action(("account page", name), lambda: config.registry.account_pages.__setitem__(name, page))


@page_view(context=Account, permission="edit", renderer="templates/account.jinja2")
def index(account: Account, request: Request) -> Any:
    pages = [page for page in request.registry.account_pages.values() if page.shown(request)]
    return {"pages": sorted(pages, key=lambda page: page.order), "page_name": "account"}


def includeme(config: Any) -> None:
    config.registry.account_pages = {}
    config.add_directive("add_account_page", add_account_page)
