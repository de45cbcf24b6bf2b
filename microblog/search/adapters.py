"""Adapters by the name that the ini file gives."""

from __future__ import annotations

from typing import Any

from pyramid.util import DottedNameResolver
from sqlalchemy import orm
from zope.interface.exceptions import Invalid
from zope.interface.verify import verifyClass

from microblog.db import Database
from microblog.search import queries
from microblog.search.elasticsearch import server as elasticsearch_server
from microblog.search.embedded.rebuilding import take_down
from microblog.search.interfaces import ISearch, SearchError
from microblog.search.settings import SEARCH

ADAPTERS = {
    "fts5": "microblog.search.embedded.fts5.FTS5Search",
    "postgresql": "microblog.search.embedded.postgresql.PostgreSQLSearch",
    "elasticsearch": "microblog.search.elasticsearch.adapter.ElasticsearchSearch",
    "none": "microblog.search.nothing.NoSearch",
}


def choose_adapter(config: Any) -> Any:
    """The adapter of `microblog.search`; what is wrong with it becomes a fault of the settings."""
    settings = config.registry.microblog
    name = settings[SEARCH]
    if name != "elasticsearch":  # its settings may stay, for whoever comes back to it
        config.declare_settings(*elasticsearch_server.SETTINGS, in_use=False)
    try:
        adapter_class = class_of(name)
        if hasattr(adapter_class, "SETTINGS"):
            config.declare_settings(*adapter_class.SETTINGS)
        adapter = adapter_class()
        adapter.check(settings, config.registry.database)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        problem = str(error) if name in ADAPTERS else f"cannot be imported: {error}"
        settings.fault(
            f"{SEARCH.key} must be one of {', '.join(ADAPTERS)}, or a dotted name; {name!r}: {problem}"
        )
    except Invalid as error:
        settings.fault(f"{SEARCH.key}: {name!r} does not provide ISearch: {error}")
    else:
        return adapter
    return class_of("none")()


def class_of(name: str) -> Any:
    """The class of an adapter, ours or somebody else's.

    :raises ImportError, AttributeError, ValueError, Invalid: when there is none, or it is no adapter.
    """
    adapter_class = DottedNameResolver().resolve(ADAPTERS.get(name, name))
    verifyClass(ISearch, adapter_class)
    return adapter_class


def remove(database: Database, name: str) -> None:
    """Remove from the database what this adapter, ours or somebody else's, has there.

    An index outside of the database stays.

    :raises SearchError: with a sentence when there is no such adapter.
    """
    try:
        adapter_class = class_of(name)
    except (ImportError, AttributeError, ValueError, Invalid) as error:
        raise SearchError(
            f"There is no search adapter {name!r} ({error}): name one of {', '.join(ADAPTERS)}, "
            "or the dotted name that the ini file had."
        ) from None
    with database.write() as session:
        if name == "elasticsearch":
            queries.stop_feeding(session)
        elif name in ("none", inside_of(database.dialect)) or name not in ADAPTERS:
            adapter_class().uninstall(session)


def take_down_others(database: Database, chosen: str) -> None:
    """The same as `uninstall_others`, in short transactions: SQLite drops a large table in seconds."""
    inside = inside_of(database.dialect)
    if chosen in ADAPTERS and chosen != inside:
        take_down(class_of(inside)(), database)
    with database.write() as session:
        uninstall_others(session, chosen)


def uninstall_others(session: orm.Session, chosen: str) -> None:
    """Remove from the database what our other adapters have there, or their triggers would go on writing.

    An index that is in Elasticsearch stays there, out of date: whoever comes back makes it again.
    """
    inside = inside_of(session.get_bind().dialect.name)
    if chosen in ADAPTERS and chosen != inside:
        class_of(inside)().uninstall(session)
    if chosen in ADAPTERS and chosen != "elasticsearch":
        queries.stop_feeding(session)


def inside_of(dialect: str) -> str:
    """The adapter whose index is inside the database."""
    return "postgresql" if dialect == "postgresql" else "fts5"
