"""`/health/live` and `/health/ready`: for load balancers and monitoring."""

from __future__ import annotations

from typing import Any

from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

from microblog.health.interfaces import get_readiness
from microblog.health.settings import HEALTH_ALLOW
from microblog.request import Request
from microblog.tree import Container
from microblog.web.pages import page_view

NOT_FROM_HERE = "This address may not ask: it is not in microblog.health.allow.\n"


class Health(Container):
    """`/health/`."""


def refuse(request: Request) -> Response | None:
    if request.microblog[HEALTH_ALLOW].allow(request.remote_addr or ""):
        return None
    return respond(NOT_FROM_HERE, 403)


def respond(text: str, status: int = 200) -> Response:
    return Response(text, status=status, content_type="text/plain", charset="UTF-8", cache_control="no-store")


@page_view(context=Health, name="live", permission=NO_PERMISSION_REQUIRED)
def live(health: Health, request: Request) -> Response:
    """The process answers; nothing else is checked."""
    return refuse(request) or respond("ok\n")


@page_view(context=Health, name="ready", permission=NO_PERMISSION_REQUIRED)
def ready(health: Health, request: Request) -> Response:
    """200 when all parts are well, else 503; `Accept: application/json` gets the parts as JSON."""
    if (refusal := refuse(request)) is not None:
        return refusal
    answers = get_readiness(request.registry).ask()
    parts = {name: answer.problem for name, answer in answers.items()}
    status = 503 if any(parts.values()) else 200
    offers = request.accept.acceptable_offers(["text/plain", "application/json"])
    if offers and offers[0][0] == "application/json":
        body = {name: problem or "ok" for name, problem in parts.items()}
        return Response(json_body=body, status=status, cache_control="no-store")
    return respond("".join(f"{name}: {problem or 'ok'}\n" for name, problem in parts.items()), status)


def includeme(config: Any) -> None:
    config.add_branch("health", Health)
