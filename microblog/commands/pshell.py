"""Sets up the shell of `pshell FILE.ini`; the ini file's section [pshell] names `setup`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from microblog.db import get_models
from microblog.request import Request


def setup(env: dict[str, Any]) -> Iterator[None]:
    """Give the shell a transaction, and `dbsession` in it.

    It only reads, like a GET: on SQLite an open write transaction would block all other writers. To write:
    `with database.write() as session: …`.
    """
    request = env["request"]
    with request.registry.database.without_limits():
        yield from run_transaction(env, request)


def run_transaction(env: dict[str, Any], request: Request) -> Iterator[None]:
    request.tm.begin()
    request.environ["tm.active"] = True  # pyramid_tm does the same, for `request.dbsession`
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
