"""What an operator wants to know, and how much of it."""

from __future__ import annotations

import ipaddress
from pathlib import Path

from microblog.settings import Setting, boolean, number, one_of, optional_text, whole_number


class Networks(tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]):
    """Addresses and networks; one address is the network of itself."""

    __slots__ = ()

    def __str__(self) -> str:
        return " ".join(
            str(network.network_address if network.num_addresses == 1 else network) for network in self
        )

    def allow(self, address: str) -> bool:
        """Is it one of these? Everybody is when there are none; what is no address is not."""
        if not self:
            return True
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        # A socket for both families shows 127.0.0.1 as ::ffff:127.0.0.1.
        mapped = getattr(parsed, "ipv4_mapped", None)
        return any((mapped or parsed) in network for network in self)


def networks(value: str) -> Networks:
    """Addresses and networks, separated by blanks or commas: `127.0.0.1 10.0.0.0/8 ::1`."""
    try:
        return Networks(ipaddress.ip_network(item) for item in value.replace(",", " ").split())
    except ValueError:
        raise ValueError(
            "must be addresses or networks, such as 127.0.0.1 10.0.0.0/8, separated by blanks"
        ) from None


def optional_path(value: str) -> Path | None:
    return Path(value) if value else None


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
ALERTS_EVERY = Setting(
    "microblog.alerts.every",
    whole_number(1, 7 * 86_400),
    3600,
    "Seconds in which the admins get one mail at most about the same fault, with how often it happened.",
)
ALERTS_STATE = Setting(
    "microblog.alerts.state",
    optional_path,
    None,
    "The file by which several processes know which alerts were sent; without it each process sends its own.",
)
CONTACT = Setting(
    "microblog.contact",
    optional_text,
    None,
    "How people reach the operator, as the page of an error tells them: an address, or any text.",
)
ACCESS_LOG = Setting("microblog.access_log", boolean, True, "A line in the log for each request.")
HEALTH_ALLOW = Setting(
    "microblog.health.allow",
    networks,
    Networks(),
    "Addresses or networks that may ask /health/…, separated by blanks; empty: everybody.",
)
METRICS = Setting("microblog.metrics", boolean, False, "Numbers for Prometheus at /metrics.")
METRICS_ALLOW = Setting(
    "microblog.metrics.allow",
    networks,
    networks("127.0.0.1 ::1"),
    "Addresses or networks that may read /metrics, separated by blanks; empty: everybody.",
)
METRICS_DIRECTORY = Setting(
    "microblog.metrics.directory",
    optional_path,
    None,
    "Folder in which several processes (servers, workers) keep their numbers, so that each of them tells "
    "the sum; to be emptied before they start. Without it a process tells its own.",
)

SETTINGS = (
    SLOW_THRESHOLD,
    SLOW_REPEATS,
    SLOW_EXPLAIN,
    PROFILER,
    PROFILER_FUNCTIONS,
    PROFILER_DIRECTORY,
    PROFILER_KEEP,
    ALERTS_EVERY,
    ALERTS_STATE,
    CONTACT,
    ACCESS_LOG,
    HEALTH_ALLOW,
    METRICS,
    METRICS_ALLOW,
    METRICS_DIRECTORY,
)
