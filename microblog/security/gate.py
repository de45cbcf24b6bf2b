"""The gate: refuses broken, too large and forged requests before any transaction."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from pyramid.httpexceptions import HTTPBadRequest, HTTPNotFound

from microblog.call_sites import passes_on
from microblog.i18n import _
from microblog.request import Registry, Request
from microblog.security.csrf import check_origin
from microblog.transactions import is_safe

# A name or an address, and a port: anything else in the header would get into redirects.
HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d+)?")


def gate_tween(handler: Callable[[Any], Any], registry: Registry) -> Callable[[Any], Any]:
    """Refuse broken, too large and forged requests."""

    @passes_on
    def gate(request: Request) -> Any:
        if request.refusal is not None:
            raise request.refusal
        if not HOST.fullmatch(request.headers.get("Host", "localhost")):
            raise HTTPBadRequest(_("The Host header of this request is not valid."))
        if not {".", ".."}.isdisjoint(request.path_info.split("/")):
            # Browsers resolve these; traversal would too, and answer with another page.
            raise HTTPNotFound()
        if not is_safe(request):
            check_origin(request)
            request.check_body()
            request.check_form()
            # The token is compared by the view (security/csrf.py).
        return handler(request)

    return gate


GATE_TWEEN = f"{__name__}.{gate_tween.__name__}"
