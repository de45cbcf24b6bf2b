"""The log: its formats, a line for each request, and handlers that fail."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.logs.settings import SETTINGS

    config.declare_settings(*SETTINGS)
    config.include("microblog.logs.failing_logs")
    config.include("microblog.logs.access_log")
