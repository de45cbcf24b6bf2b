"""The root of the API."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from microblog.api.settings import DOCUMENTATION
from microblog.request import Request
from microblog.tree import Api
from microblog.web.api import api_view
from microblog.web.pages import SITE_NAME


@api_view(context=Api)
def describe(api: Api, request: Request) -> dict[str, Any]:
    return {
        "name": request.microblog[SITE_NAME],
        "version": version("microblog"),
        "documentation": request.microblog[DOCUMENTATION],
    }
