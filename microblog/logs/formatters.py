"""Formatters: an event becomes one line of the log, for people or as JSON.

The ini file names them: `class = microblog.logs.formatters.LineFormatter`. No message can look like a second
event: control characters are escaped, and further lines (of a trace, or a table of ours) begin with a bar.
"""

from __future__ import annotations

import json
import logging
import logging.handlers
import os
import re
from datetime import UTC, datetime
from typing import Any

from microblog.logs.failing_logs import report_once
from microblog.observing import get_current_observation

CONTINUATION = "    | "
# Characters that may end a line, move the cursor of a terminal, or reverse the text: C0, DEL and C1;
# separators of lines and paragraphs; marks of direction; and surrogates, which no file can store.
UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def escape(text: str) -> str:
    """The text on one line: `\\n`, `\\x1b`, `\\u2028`."""
    return UNSAFE.sub(lambda match: SHORT.get(match[0]) or get_escape(match[0]), text)


def get_escape(character: str) -> str:
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"


def fold(text: str) -> str:
    """Several lines; all but the first begin with a bar."""
    return f"\n{CONTINUATION}".join(escape(line) for line in text.rstrip("\n").split("\n"))


def get_timestamp(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def get_message(record: logging.LogRecord) -> str:
    """Never raises: after a wrong number of arguments, the event is still logged."""
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        return f"{record.msg} {record.args!r}"


def get_trace(record: logging.LogRecord) -> str:
    """The trace of the event's exception and its stack, "" when it has none."""
    parts = []
    # `RemoveDetails`, the filter of the handler, has set it, without private details.
    if record.exc_text:
        parts.append(record.exc_text)
    elif record.exc_info and record.exc_info[0] is not None:
        parts.append(logging.Formatter().formatException(record.exc_info))
    if record.stack_info:
        parts.append(record.stack_info)
    return "\n".join(parts)


def open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


class WatchedFileHandler(logging.handlers.WatchedFileHandler):
    """The standard library's, but its files are private, and a failure is no error of the caller.

    The standard library's raises in the caller when its file was moved and it cannot open a new one: its
    folder is gone, or the disk is full. Every request logs, so every request would fail.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        report_once(self)

    def _open(self) -> Any:
        # Private: it says who did what from where.
        return open(  # Path.open has no opener
            self.baseFilename, self.mode, encoding=self.encoding, errors=self.errors, opener=open_private
        )


class LineFormatter(logging.Formatter):
    """`12:00:00 INFO    microblog.access [5f0c…] GET / 200 …`, in local time.

    In the brackets is the id of the request; for a task or command also its name. Only a trace, or a message
    whose format has several lines, is more than a line; all but the first begin with a bar.
    """

    default_time_format = "%Y-%m-%d %H:%M:%S"
    default_msec_format = None

    def format(self, record: logging.LogRecord) -> str:
        message = get_message(record)
        head = f"{self.formatTime(record, self.datefmt)} {record.levelname:<7} {record.name}"
        observation = get_current_observation()
        if observation is not None:
            task = "" if observation.request is not None else f" {observation.task}"
            head += f" [{observation.id}{task}]"
        several = "\n" in str(record.msg)
        lines = f"{escape(head)} {fold(message) if several else escape(message)}"
        trace = get_trace(record)
        return f"{lines}\n{CONTINUATION}{fold(trace)}" if trace else lines


class JSONFormatter(logging.Formatter):
    """One JSON object a line, in ASCII: for programs that collect logs.

    `time` (UTC), `level`, `logger`, `message`; inside a request, task or command its `request_id` and
    `task`; the `extra={"fields": {…}}` of the event as `fields`; a trace as `exception`.
    """

    def format(self, record: logging.LogRecord) -> str:
        event: dict[str, Any] = {
            "time": get_timestamp(record).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": get_message(record),
        }
        observation = get_current_observation()
        if observation is not None:
            event |= {"request_id": observation.id, "task": observation.task}
        fields = getattr(record, "fields", None)
        if fields:
            event["fields"] = fields
        trace = get_trace(record)
        if trace:
            event["exception"] = trace
        return to_json(event)


def to_json(event: dict[str, Any]) -> str:
    """Never raises; a value that JSON does not have is written as its `repr`."""
    try:
        line = json.dumps(event, default=str, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        line = json.dumps({**event, "fields": repr(event.get("fields"))}, default=str)
    return line.replace("\x7f", "\\u007f")
