"""The adapter of a site: chosen by its name in the ini file, or set by `config.set_search_adapter`."""

from __future__ import annotations

from typing import Any

from pyramid.config import PHASE0_CONFIG
from sqlalchemy import orm
from zope.interface.exceptions import Invalid
from zope.interface.verify import verifyClass

from microblog.choosing import choose, declare_settings_of, resolve_class
from microblog.db import Database
from microblog.search import feeding, queries
from microblog.search.embedded.rebuilding import take_down
from microblog.search.interfaces import (
    ISearch,
    ISearchDelivery,
    ISearchFeed,
    ISearchIndex,
    ISearchMaintenance,
    ISearchSettings,
    SearchError,
)
from microblog.search.nothing import NoIndex, NoSearch
from microblog.search.settings import SEARCH

ADAPTERS = {
    "fts5": "microblog.search.embedded.fts5.FTS5Search",
    "postgresql": "microblog.search.embedded.postgresql.PostgreSQLSearch",
    "elasticsearch": "microblog.search.elasticsearch.adapter.ElasticsearchSearch",
    "none": "microblog.search.nothing.NoSearch",
}
PARTS = (ISearch, ISearchSettings, ISearchIndex, ISearchFeed, ISearchMaintenance, ISearchDelivery)


def choose_adapter(config: Any) -> None:
    """Set the adapter that `microblog.search` names; a fault of it becomes a fault of the settings."""
    if not choose(config, SEARCH, ADAPTERS, ISearch, get_class, config.set_search_adapter):
        config.set_search_adapter(NoSearch())


def set_search_adapter(config: Any, adapter: Any) -> None:
    """Directive: search with this object, which provides `ISearch` and any of the other interfaces.

    :raises ValueError: when the adapter cannot work with the settings.
    """
    registry = config.registry
    if ISearchSettings.providedBy(adapter):
        declare_settings_of(config, adapter)
        adapter.check(registry.microblog, registry.database)
    if ISearchDelivery.providedBy(adapter):
        feeding.add_kind(config)
    introspectable = config.introspectable("search adapter", None, type(adapter).__name__, "search adapter")

    def register() -> None:
        for part in (ISearch, ISearchIndex, ISearchFeed, ISearchMaintenance, ISearchDelivery):
            registry.unregisterUtility(provided=part)
            if part.providedBy(adapter):
                registry.registerUtility(adapter, part)
        if not ISearchIndex.providedBy(adapter):
            registry.registerUtility(NoIndex(registry.microblog[SEARCH]), ISearchIndex)

    config.action("search adapter", register, order=PHASE0_CONFIG, introspectables=(introspectable,))


def get_class(name: str) -> Any:
    """The class of an adapter, built in or not.

    :raises ImportError, AttributeError, ValueError, Invalid: when there is none, or it is no adapter.
    """
    adapter_class = resolve_class(name, ADAPTERS)
    verifyClass(ISearch, adapter_class)
    for part in PARTS:
        if part.implementedBy(adapter_class):
            verifyClass(part, adapter_class)
    return adapter_class


def remove(database: Database, name: str) -> None:
    """Remove from the database what this adapter, built in or not, has stored there.

    An index outside the database stays.

    :raises SearchError: with a sentence when there is no such adapter.
    """
    try:
        adapter_class = get_class(name)
    except (ImportError, AttributeError, ValueError, Invalid) as error:
        raise SearchError(
            f"There is no search adapter {name!r} ({error}): name one of {', '.join(ADAPTERS)}, "
            "or the dotted name that the ini file had."
        ) from None
    with database.write() as session:
        if ISearchDelivery.implementedBy(adapter_class):
            queries.stop_feeding(session)
        elif ISearchIndex.implementedBy(adapter_class) and lives_in(adapter_class, database.dialect):
            adapter_class().uninstall(session)


def take_down_others(database: Database, chosen: str) -> None:
    """Like `uninstall_others`, but in short transactions: dropping a large table takes SQLite seconds."""
    if chosen in ADAPTERS:
        for adapter_class in get_other_embedded(database.dialect, chosen):
            take_down(adapter_class(), database)
    with database.write() as session:
        uninstall_others(session, chosen)


def uninstall_others(session: orm.Session, chosen: str) -> None:
    """Remove from the database what the other built-in adapters have there: their triggers would still fire.

    An index in Elasticsearch stays there, out of date; switching back to it takes a rebuild.
    """
    if chosen not in ADAPTERS:
        return
    for adapter_class in get_other_embedded(session.get_bind().dialect.name, chosen):
        adapter_class().uninstall(session)
    if not ISearchDelivery.implementedBy(get_class(chosen)):
        queries.stop_feeding(session)


def get_other_embedded(dialect: str, chosen: str) -> list[Any]:
    """The other built-in adapters whose index may be inside this database."""
    others = [get_class(name) for name in ADAPTERS if name != chosen]
    return [other for other in others if ISearchFeed.implementedBy(other) and lives_in(other, dialect)]


def lives_in(adapter_class: Any, dialect: str) -> bool:
    """Can the adapter's index be in such a database? One that names no dialect works in all."""
    return getattr(adapter_class, "dialect", dialect) == dialect
