"""What happens outside of requests: the worker, and what GETs leave behind."""

from typing import Any


def includeme(config: Any) -> None:
    from pyramid.events import NewRequest

    from microblog.background.settings import WORKER
    from microblog.background.worker import Worker
    from microblog.health.watch import Watch

    config.include("microblog.background.deferred")
    config.declare_settings(WORKER)
    config.registry.worker = Worker(config.registry)
    config.registry.watch = Watch(config.registry)
    if config.registry.watch.is_needed:
        # `microblog serve` starts it with the server; under plain pserve the first request does.
        config.add_subscriber(lambda event: look_after_worker(event.request.registry), NewRequest)


def look_after_worker(registry: Any) -> None:
    registry.worker.start()
    registry.watch.glance()
