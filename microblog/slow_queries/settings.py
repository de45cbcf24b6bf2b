"""Settings of this package."""

from __future__ import annotations

from microblog.settings import Setting, boolean, number, whole_number

SLOW_THRESHOLD = Setting(
    "microblog.slow_queries.threshold",
    number(0, 3600),
    0.5,
    "Seconds from which a SQL statement is reported as slow; 0 reports none.",
)
SLOW_REPEATS = Setting(
    "microblog.slow_queries.repeats",
    whole_number(0, 1_000_000),
    20,
    "A statement that runs more often than this in one request is reported as repeated; 0 reports none.",
)
SLOW_EXPLAIN = Setting(
    "microblog.slow_queries.explain",
    boolean,
    False,
    "Report the database's plan with a slow statement.",
)

SETTINGS = (
    SLOW_THRESHOLD,
    SLOW_REPEATS,
    SLOW_EXPLAIN,
)
