"""What `pshell FILE.ini` puts into the shell, named in the ini file's section [pshell]."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from microblog.db import get_models
from microblog.request import Request


def setup(env: dict[str, Any]) -> Iterator[None]:
    """A transaction of the shell, and `dbsession` in it.

    It only reads, as a GET does: on SQLite an open write transaction keeps everybody else from
    writing. To write: `with database.write() as session: …`.
    """
    request = env["request"]
    with request.registry.database.without_limits():
        yield from transaction(env, request)


def transaction(env: dict[str, Any], request: Request) -> Iterator[None]:
    request.tm.begin()
    request.environ["tm.active"] = True  # as pyramid_tm says it to `request.dbsession`
    env.update(
        tm=request.tm,
        dbsession=request.dbsession,
        database=request.registry.database,
        **get_models(request.registry),
    )
    try:
        yield
    finally:
        request.tm.abort()
