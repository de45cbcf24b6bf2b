"""Slow queries, profiles, errors that reach somebody, logging, health and metrics."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.monitoring.settings import SETTINGS

    config.declare_settings(*SETTINGS)
    config.include("microblog.monitoring.failing_logs")
    config.include("microblog.monitoring.observing")
    config.include("microblog.monitoring.alerts")
    config.include("microblog.monitoring.database_alerts")
    config.include("microblog.monitoring.access_log")
    config.include("microblog.monitoring.health")
    config.include("microblog.monitoring.metrics")
    config.include("microblog.monitoring.profiler")
    # The last of the observers: asking for a plan takes time that is not the request's.
    config.include("microblog.monitoring.slow_queries")
