"""Metrics for Prometheus at `/metrics`."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.metrics.settings import METRICS_DIRECTORY, SETTINGS

    config.declare_settings(*SETTINGS)
    config.reserve_nicknames("metrics")  # also while the page is off
    config.include("microblog.metrics.views")
    config.add_folder("metrics", config.registry.microblog[METRICS_DIRECTORY], is_small=True)
