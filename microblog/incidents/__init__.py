"""Incidents: each fault of ours gets a number, which the person, the log and the admins see."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.events import RequestFailed, TaskFailed
    from microblog.incidents.recording import record_request, record_task

    config.add_subscriber(record_request, RequestFailed)
    config.add_subscriber(record_task, TaskFailed)
