"""A fault of ours gets a number: the person sees it, and the log and the admins have it with the trace.

What people typed does not leave the process with it: no cookie, no field of a form, and none of the values
which PostgreSQL repeats in its messages.
"""

from __future__ import annotations

import logging
import re
import secrets
import traceback
from pathlib import Path
from typing import Any

from microblog.call_sites import BETWEEN, PACKAGE, PROJECT
from microblog.formdata import MOST_CHARACTERS
from microblog.logs.access_log import asked_for
from microblog.observing import present
from microblog.request import Request

log = logging.getLogger(__name__)

# What PostgreSQL says of the row or the value at fault, until the next thing that is said.
DETAIL = re.compile(
    r"^(?P<label>DETAIL|CONTEXT|HINT): .*?(?=^(?:\[SQL: |\[parameters: |\(Background on "
    r"|Traceback \(most|The above exception |During handling of )|\Z)",
    re.MULTILINE | re.DOTALL,
)
# Shorter ones would also be found in what is not typed: "1", "on".
SHORTEST_TEXT = 4  # characters
LONGEST_TRACE = 40_000  # characters
LONGEST_SEARCHED = LONGEST_TRACE + 2 * MOST_CHARACTERS
# Every request goes through these functions of ours; they are no place of a fault.
TWEENS = ("observing", "headers", "errors", "gate")


def without_details(text: str) -> str:
    """The text of an error or a trace without what PostgreSQL repeats of a row's values."""
    return DETAIL.sub(r"\g<label>: (left out)\n", text) if DETAIL.search(text) else text


class WithoutDetails(logging.Filter):
    """On a logger or a handler: the trace of a record is written without a row's values."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and record.exc_info[1] is not None and not record.exc_text:
            record.exc_text = getattr(record, "trace", None) or trace_of(record.exc_info[1])
        return True


log.addFilter(WithoutDetails())


def record(error: Exception, request: Request) -> str:
    """The number of a new incident: the log tells of it, and the admins get it. Runs no SQL."""
    incident = secrets.token_hex(4)
    identity = request.registry.security_policy.known_identity(request)
    observation = present()
    trace = trace_of(error, private_texts(request))
    fields = {
        "incident": incident,
        "method": request.method,
        "path": asked_for(request.environ).partition("?")[0],
        "user": None if identity is None else identity.id,
        "request_id": None if observation is None else observation.id,
        "place": place_of(error),
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
        f"Incident:   {incident} (the log has it too, and the person was told this number)\n"
        f"Request:    {request.method} {fields['path']}\n"
        f"View:       {view or 'none yet'}\n"
        f"Request id: {fields['request_id']}\n"
        f"Person:     {'nobody known' if identity is None else f'number {identity.id}'}"
    )
    report(request.registry, error, f"{facts}\n\n{trace}")
    return incident


def record_task(registry: Any, task: str, error: Exception) -> None:
    """Tell the admins that a task of the worker failed; the worker has it in the log."""
    report(
        registry,
        error,
        f"The worker's task “{task}” failed; it will be tried again.\n\n{trace_of(error)}",
    )


def report(registry: Any, error: Exception, body: str) -> None:
    """The same fault is the same type at the same place."""
    name, place = type(error).__qualname__, place_of(error)
    group = f"{type(error).__module__}.{name} {place}"
    registry.alerts.report("error", group, f"{name} at {place}", body)


def private_texts(request: Request) -> tuple[str, ...]:
    """What came with the request and is nobody's business: cookies, and the fields of a form."""
    texts = [*request.cookies.values(), *request.POST.values()]
    return tuple(text for text in texts if isinstance(text, str) and len(text.strip()) >= SHORTEST_TEXT)


def trace_of(error: BaseException, private: tuple[str, ...] = ()) -> str:
    """The trace, without a row's values and without the `private` texts."""
    trace = "".join(traceback.format_exception(error)).rstrip("\n")
    # Only what is longer than a form is cut before: half of a text would not be found, and stay.
    trace = without_details(without_middle(trace, LONGEST_SEARCHED))
    folded = trace.casefold()
    # Also as it is kept: without blanks around it, in lower case.
    for text in sorted({text.strip() for text in private}, key=len, reverse=True):
        for written in {text, repr(text)[1:-1]}:
            if written.casefold() in folded:  # else looking for it in any case would only cost time
                trace = re.sub(re.escape(written), "…", trace, flags=re.IGNORECASE)
    return without_middle(trace, LONGEST_TRACE)


def without_middle(text: str, most: int) -> str:
    """A trace that is too long (of a recursion, or with a message that repeats a request)."""
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]}\n(… {len(text) - 2 * half:,} characters …)\n{text[-half:]}"


def place_of(error: BaseException) -> str:
    """Where it happened: `microblog/posts/views.py:41`, the innermost line of ours, else of all."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [
        frame
        for frame in frames
        if frame.filename.startswith(PACKAGE) and frame.filename not in BETWEEN and frame.name not in TWEENS
    ]
    if ours:
        return f"{ours[-1].filename.removeprefix(PROJECT)}:{ours[-1].lineno}"
    if frames:
        return f"{'/'.join(Path(frames[-1].filename).parts[-2:])}:{frames[-1].lineno}"
    return "an unknown place"
