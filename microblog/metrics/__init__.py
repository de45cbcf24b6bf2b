"""Metrics for Prometheus at `/metrics`."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.metrics.settings import SETTINGS

    config.declare_settings(*SETTINGS)
    config.include("microblog.metrics.views")
    config.include("microblog.metrics.worker")
