"""The decorator for views that answer programs with JSON, below `/api`."""

from __future__ import annotations

from typing import Any

from pyramid.view import view_config

from microblog.tree import Api


class api_view(view_config):  # noqa: N801  # a decorator, like view_config
    """A view that answers with JSON, at its one address below `/api`, where there are no pages.

    `methods` are those that it accepts, as with `page_view`. Cookies are not read: a request that changes
    something needs an `Authorization` header, unless the view says `csrf=False`.
    """

    def __init__(
        self, *, methods: tuple[str, ...] = ("GET",), permission: str = "view", **settings: Any
    ) -> None:
        super().__init__(
            request_method=methods,
            permission=permission,
            api=True,
            containment=Api,
            **{"renderer": "json", **settings},
        )
