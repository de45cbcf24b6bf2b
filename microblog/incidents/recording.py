"""A fault of ours gets an incident number, which the person, the log and the admins see.

Nothing private leaves the process with the trace: no cookie, no field of a form, and none of the values that
PostgreSQL repeats in its messages.
"""

from __future__ import annotations

import logging
import secrets
import traceback
from pathlib import Path

from microblog.call_sites import PACKAGE, PASSING, PROJECT, is_call_site
from microblog.events import AlertRaised, RequestFailed, TaskFailed
from microblog.observing import get_current_observation
from microblog.outages import DatabaseUnavailable
from microblog.redaction import format_trace, mask_address
from microblog.request import Registry, Request

log = logging.getLogger(__name__)

# Shorter texts ("1", "on") would also be found where nobody typed them.
SHORTEST_TEXT = 4  # characters


def record_request(event: RequestFailed) -> None:
    """Give the incident a number, and write it to the log and to the admins. Runs no SQL."""
    request, error = event.request, event.error
    incident = secrets.token_hex(4)
    identity = request.registry.security_policy.get_known_identity(request)
    observation = get_current_observation()
    trace = format_trace(error, list_private_texts(request))
    fields = {
        "incident": incident,
        "method": request.method,
        "path": mask_address(request.environ).partition("?")[0],
        "user": None if identity is None else identity.id,
        "request_id": None if observation is None else observation.id,
        "place": locate_error(error),
    }
    log.error(
        "Incident %(incident)s: %(method)s %(path)s, user %(user)s, request %(request_id)s, at %(place)s",
        fields,
        exc_info=error,
        extra={"fields": fields, "trace": trace},
    )
    view = (
        "none yet" if observation is None else f"{observation.context_name} {observation.view_name}".strip()
    )
    facts = (
        f"Incident:   {incident} (also in the log, and on the page that the person saw)\n"
        f"Request:    {request.method} {fields['path']}\n"
        f"View:       {view or 'none yet'}\n"
        f"Request id: {fields['request_id']}\n"
        f"Person:     {'nobody known' if identity is None else f'number {identity.id}'}"
    )
    report(request.registry, error, f"{facts}\n\n{trace}")
    event.incident = incident


def record_task(event: TaskFailed) -> None:
    """Report it to the admins, unless it is an outage: that is reported when it begins (outages.py)."""
    if isinstance(event.error, DatabaseUnavailable):
        return
    report(
        event.registry,
        event.error,
        f"The worker's task “{event.task}” failed; it will be retried.\n\n{format_trace(event.error)}",
    )


def report(registry: Registry, error: Exception, body: str) -> None:
    """Raise an alert; errors of the same type at the same location are the same fault."""
    name, location = type(error).__qualname__, locate_error(error)
    group = f"{type(error).__module__}.{name} {location}"
    registry.notify(AlertRaised(registry, "error", group, f"{name} at {location}", body))


def list_private_texts(request: Request) -> tuple[str, ...]:
    """The cookies and the form fields of the request."""
    texts = [*request.cookies.values(), *request.POST.values()]
    return tuple(text for text in texts if isinstance(text, str) and len(text.strip()) >= SHORTEST_TEXT)


def locate_error(error: BaseException) -> str:
    """Where it happened: `microblog/posts/views.py:41`, the innermost line of our code, else of any code."""
    frames = list(traceback.walk_tb(error.__traceback__))
    ours = [
        (frame.f_code.co_filename, line)
        for frame, line in frames
        if frame.f_code.co_filename.startswith(PACKAGE)
        and is_call_site(frame)
        and frame.f_code not in PASSING
    ]
    if ours:
        file, line = ours[-1]
        return f"{file.removeprefix(PROJECT)}:{line}"
    if frames:
        frame, line = frames[-1]
        return f"{'/'.join(Path(frame.f_code.co_filename).parts[-2:])}:{line}"
    return "an unknown location"
