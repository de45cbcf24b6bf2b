"""How often something may be done: by an account, from an address, and on the whole site."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.security.limits.limit import add_limit
    from microblog.security.limits.process import ProcessCounts

    config.registry.limits = {}
    config.add_directive("add_limit", add_limit)
    config.registry.process_counts = ProcessCounts(config.registry.deferred)
    config.add_models("microblog.security.limits.models")
    config.include("microblog.security.limits.tasks")
    config.add_metric(
        "limited_requests", "Requests that a limit has refused, by limit.", labels=("limit",), order=11
    )
