"""Settings of this package."""

from __future__ import annotations

from microblog.settings import Setting, one_of, optional_path, whole_number

PROFILER = Setting(
    "microblog.profiler",
    one_of("false", "true", "on_demand"),
    "false",
    "true: each request is profiled (for developers). on_demand: only a request that brings what "
    "`microblog profile` printed. false: none.",
)
PROFILER_FUNCTIONS = Setting(
    "microblog.profiler.functions", whole_number(1, 1000), 30, "Functions that a profile lists."
)
PROFILER_DIRECTORY = Setting(
    "microblog.profiler.directory",
    optional_path,
    None,
    "Folder for profiles, which pstats and snakeviz open; without it they are only in the log.",
)
PROFILER_KEEP = Setting(
    "microblog.profiler.keep",
    whole_number(1, 100_000),
    100,
    "Profiles in the folder; the oldest are removed.",
)

SETTINGS = (
    PROFILER,
    PROFILER_FUNCTIONS,
    PROFILER_DIRECTORY,
    PROFILER_KEEP,
)
