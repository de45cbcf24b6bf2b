"""Numbers in the header of every page of somebody who is logged in, such as how much is unread.

Packages add theirs by `config.add_header_count`; a page reads all of them by one statement.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from microblog.db import compile_to_text
from microblog.request import Request


def add_header_count(config: Any, name: str, query: Any) -> None:
    """Directive: `query` selects one number; its parameter `reader` is the id of the person. It looks at a
    bounded number of rows, since every page runs it.
    """
    config.action(("header count", name), config.registry.header_counts.__setitem__, args=(name, query))


@lru_cache(maxsize=16)
def build_statement(queries: tuple[Any, ...], dialect: str) -> tuple[Any, dict[str, Any]]:
    """One statement for all of them, and its parameters but for the reader."""
    return compile_to_text(sa.select(*(query.scalar_subquery() for query in queries)), dialect)


def read_header_counts(request: Request) -> dict[str, int]:
    """By their names, for whoever is logged in: `request.header_counts`. 0 where they cannot be read, so that
    the page of an error is shown all the same.
    """
    queries = request.registry.header_counts
    statement, parameters = build_statement(tuple(queries.values()), request.registry.database.dialect)
    try:
        values = request.dbsession.execute(statement, {**parameters, "reader": request.me.id}).one()
    except DBAPIError:
        return dict.fromkeys(queries, 0)
    return dict(zip(queries, values, strict=True))


def includeme(config: Any) -> None:
    config.registry.header_counts = {}
    config.add_directive("add_header_count", add_header_count)
    config.add_request_method(read_header_counts, "header_counts", reify=True)
