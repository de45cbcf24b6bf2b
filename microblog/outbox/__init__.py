"""The worker: what is done outside of requests, and (later) what leaves the process."""

from typing import Any


def includeme(config: Any) -> None:
    from pyramid.events import NewRequest

    from microblog.outbox.settings import WORKER
    from microblog.outbox.worker import Worker

    config.declare_settings(WORKER)
    config.registry.worker = Worker(config.registry)
    if config.registry.microblog[WORKER] != "off":
        # `microblog serve` starts it with the server; under plain pserve the first request does.
        config.add_subscriber(lambda event: event.request.registry.worker.start(), NewRequest)
