"""microblog: a self-hosted microblogging application."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any

from pyramid.config import Configurator
from pyramid.settings import aslist

from microblog.settings import TOOLBAR, SettingsError

# The order of inclusion: the foundation first, then the rooms.
INCLUDES = (
    "microblog.settings",
    "microblog.i18n",
    "microblog.tree",
    "microblog.db",
    "microblog.transactions",
    "microblog.observing",
    "microblog.checks",
    "microblog.measuring",
    "microblog.console",
    "microblog.background",
    "microblog.outbox",
    "microblog.security",
    "microblog.web",
    "microblog.submissions",
    "microblog.admin",
    "microblog.mail",
    "microblog.alerts",
    "microblog.incidents",
    "microblog.logs",
    "microblog.health",
    "microblog.metrics",
    "microblog.profiling",
    "microblog.media",
    "microblog.accounts",
    "microblog.preferences",
    "microblog.people",
    "microblog.posts",
    "microblog.translation",
    "microblog.tags",
    "microblog.timelines",
    "microblog.reactions",
    "microblog.notifications",
    "microblog.search",
    "microblog.messages",
    "microblog.moderation",
    "microblog.about",
    "microblog.importing",
    "microblog.api",
    "microblog.slow_queries",
    "microblog.operations",
)

# Not imported by the server: commands, and the driver that only PostgreSQL needs.
NOT_SCANNED = [
    re.compile(r"\.commands\b").search,
    re.compile(r"\.(console|deadlines|migrations)$").search,
]


def main(global_config: dict[str, str] | None = None, **settings: Any) -> Any:
    """The WSGI application (PasteDeploy's `paste.app_factory`).

    Connects to nothing and starts no thread.

    :raises SettingsError: with every fault of the settings.
    """
    config = configure(settings)
    config.registry.microblog.log_warnings()
    return config.make_wsgi_app()


def configure(
    settings: dict[str, Any], environ: Mapping[str, str] | None = None, *, with_views: bool = True
) -> Configurator:
    """The configurator with every room in it; commands take its registry, and need no views.

    Packages in `pyramid.includes` (a third party's room, the debug toolbar) are included last, after a
    commit: they can use our directives, and override our configuration instead of conflicting with it.
    """
    plugins = settings.get("pyramid.includes", "")
    config = Configurator(settings={**settings, "pyramid.includes": ""})
    config.registry.environ = environ
    config.registry.settings["pyramid.includes"] = plugins  # for code that reads what is included
    for name in INCLUDES:
        config.include(name)
    if with_views:
        config.scan("microblog", ignore=NOT_SCANNED)
    config.commit()
    for name in aslist(plugins):
        if with_views or name != TOOLBAR:  # it has nothing but pages, and takes long to import
            config.include(name)
    config.commit()
    config.registry.microblog.freeze()
    return config


def configure_without_site(*, with_views: bool = True) -> Configurator:
    """Every room of ours, on a database in memory: for commands about a database that no ini file names."""
    settings = {"microblog.secret": secrets.token_hex(), "microblog.database.url": "sqlite+pysqlite://"}
    return configure({**settings, "microblog.search": "none"}, environ={}, with_views=with_views)


__all__ = ["SettingsError", "configure", "configure_without_site", "main"]
