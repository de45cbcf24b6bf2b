"""A line in the log for each request: what was asked, what was answered, and what it cost."""

from __future__ import annotations

import logging
import re
from typing import Any
from urllib.parse import quote

from microblog.logs.settings import ACCESS_LOG
from microblog.observing import Observation

log = logging.getLogger("microblog.access")

LONGEST_ADDRESS = 500  # characters of a path with its query
# Values of these never get into the log, whatever else the name says: `token`, `api_key`, `new-password`.
SECRET_FIELD = re.compile(r"(?i)([?&][^=&]*(?:token|secret|passw|key|kept|signature)[^=&]*=)[^&]*")
# The same within a value: who has to log in first is sent to /login?next=%2Fpage%3Ftoken%3D…
INNER = r"(?:(?!%3d|%26)[^=&])*"
INNER_SECRET_FIELD = re.compile(
    rf"(?i)((?:%3f|%26){INNER}(?:token|secret|passw|key|kept|signature){INNER}%3d)(?:(?!%26)[^&])*"
)
PATH_SAFE = "/~!$&'()*+,;=:@-._"
QUERY_SAFE = f"{PATH_SAFE}?%"


def asked_for(environ: dict[str, Any]) -> str:
    """The path and query as they were sent, in ASCII; secrets masked, and not longer than a line may be."""
    # Cut before it is searched: looking for secrets in a long one takes minutes. One more, for the dots.
    longest = LONGEST_ADDRESS + 1
    raw = (environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""))[:longest]
    path = quote(raw, PATH_SAFE, "latin-1")[:longest]
    query = quote(environ.get("QUERY_STRING", "")[:longest], QUERY_SAFE, "latin-1")[:longest]
    address = path
    if query:
        address = INNER_SECRET_FIELD.sub(r"\1***", SECRET_FIELD.sub(r"\1***", f"{path}?{query}"))
    return address if len(address) <= LONGEST_ADDRESS else f"{address[:LONGEST_ADDRESS]}..."


def write_line(observation: Observation, response: Any) -> None:
    """An observer: what left the application as an exception is a 500 here."""
    request = observation.request
    if request is None or not log.isEnabledFor(logging.INFO):
        return
    identity = request.registry.security_policy.known_identity(request)
    fields = {
        "method": request.method,
        "path": asked_for(request.environ),
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
