"""The log: its formats, a line for each request, and what happens when it cannot be written."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.events import LogSetUp
    from microblog.logs.failing_logs import prepare_handlers
    from microblog.logs.settings import SETTINGS

    config.declare_settings(*SETTINGS)
    config.include("microblog.logs.failing_logs")
    config.include("microblog.logs.access_log")
    config.add_subscriber(lambda event: prepare_handlers(), LogSetUp)
