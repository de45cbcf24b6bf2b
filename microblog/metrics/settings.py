"""Settings of this package."""

from __future__ import annotations

from microblog.settings import Setting, boolean, networks, optional_path

METRICS = Setting("microblog.metrics", boolean, False, "Metrics for Prometheus at /metrics.")
METRICS_ALLOW = Setting(
    "microblog.metrics.allow",
    networks,
    networks("127.0.0.1 ::1"),
    "Addresses or networks that may read /metrics, separated by spaces; empty: everybody.",
)
METRICS_DIRECTORY = Setting(
    "microblog.metrics.directory",
    optional_path,
    None,
    "Folder in which several processes (servers, workers) keep their metrics, so that each of them shows "
    "the sum; empty it before they start. Without it a process shows only its own.",
)

SETTINGS = (
    METRICS,
    METRICS_ALLOW,
    METRICS_DIRECTORY,
)
