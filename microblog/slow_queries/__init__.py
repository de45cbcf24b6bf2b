"""Reports slow and repeated SQL statements."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.slow_queries.settings import SETTINGS

    config.declare_settings(*SETTINGS)
    config.include("microblog.slow_queries.reporting")
