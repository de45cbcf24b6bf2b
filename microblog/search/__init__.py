"""Full-text search: the query language, the page, and adapters that can be exchanged by a setting."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.search.adapters import choose_adapter
    from microblog.search.settings import SEARCH

    config.declare_settings(SEARCH)
    config.reserve_nicknames("search")
    config.add_nav_item(
        "search", template="microblog.search:templates/nav_form.jinja2", place="header", order=10
    )
    config.add_recovered_fields(q="Search")
    adapter = choose_adapter(config)
    config.registry.search = adapter
    config.registry.database.after_begin(adapter.after_begin)
    config.registry.database.before_commit(adapter.before_commit)
    config.include("microblog.search.tasks")
    config.include("microblog.search.checks")
    config.add_models("microblog.search.models")
