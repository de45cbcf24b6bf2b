"""Work outside of requests: the worker and its tasks, and deferred writes."""

from typing import Any


def includeme(config: Any) -> None:
    from pyramid.events import NewRequest

    from microblog.background.settings import WORKER
    from microblog.background.tasks import add_worker_task
    from microblog.background.worker import Worker

    config.declare_settings(WORKER)
    config.registry.worker_tasks = {}
    config.add_directive("add_worker_task", add_worker_task)
    config.include("microblog.background.deferred")
    config.registry.worker = Worker(config.registry)
    if config.registry.microblog[WORKER] != "off":
        # `microblog serve` starts it with the server; under plain pserve the first request does.
        config.add_subscriber(lambda event: event.request.registry.worker.start(), NewRequest)
    config.add_models("microblog.background.models")
