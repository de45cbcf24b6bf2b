"""Does the application work? `/health/live`, `/health/ready`, and the watch over the worker."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.health.settings import SETTINGS

    config.declare_settings(*SETTINGS)
    config.include("microblog.health.watch")
    config.include("microblog.health.checks")
    config.include("microblog.health.readiness")
    config.include("microblog.health.views")
