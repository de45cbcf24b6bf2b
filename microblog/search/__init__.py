"""Full-text search: the query language, the page, and adapters that can be exchanged by a setting."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.i18n import _
    from microblog.search.adapters import choose_adapter, set_search_adapter
    from microblog.search.resources import Search
    from microblog.search.settings import SEARCH

    config.declare_settings(SEARCH)
    config.add_branch("search", Search)
    config.keep_robots_from("search")
    config.add_nav_item(
        "search after an error", _("Search"), lambda request: request.link("search"), order=10, slot="errors"
    )
    config.add_nav_item(
        "search", template="microblog.search:templates/nav_form.jinja2", slot="header", order=10
    )
    config.add_recovered_fields(q=_("Search"))
    config.add_directive("set_search_adapter", set_search_adapter)
    choose_adapter(config)
    config.include("microblog.search.feeding")
    config.include("microblog.search.checks")
    config.include("microblog.search.people")
    config.add_models("microblog.search.models")
    config.add_command("search", "microblog.search.commands.search", order=50)
