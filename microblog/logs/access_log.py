"""A line in the log for each request: the request, the response, and their cost."""

from __future__ import annotations

import logging
from typing import Any

from microblog.logs.settings import ACCESS_LOG
from microblog.observing import Observation
from microblog.redaction import mask_address

log = logging.getLogger("microblog.access")


def write_line(observation: Observation, response: Any) -> None:
    """An observer; an uncaught exception is logged as a 500."""
    request = observation.request
    if request is None or not log.isEnabledFor(logging.INFO):
        return
    identity = request.registry.security_policy.get_known_identity(request)
    fields = {
        "method": request.method,
        "path": mask_address(request.environ),
        "status": 500 if response is None else response.status_int,
        "bytes": None if response is None else response.content_length,
        "ms": round(observation.seconds * 1000, 1),
        "sql": observation.statements,
        "sql_ms": round(observation.sql_ns / 1e6, 1),
        "user": None if identity is None else identity.id,
        "address": request.remote_addr,
    }
    log.info(
        "%(method)s %(path)s %(status)s, %(bytes)s bytes, %(ms).1f ms, %(sql)d SQL in %(sql_ms).1f ms, "
        "user %(user)s, from %(address)s",
        fields,
        extra={"fields": fields},
    )


def includeme(config: Any) -> None:
    if config.registry.microblog[ACCESS_LOG]:
        config.add_observer(write_line)
