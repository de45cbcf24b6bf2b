"""Limits how many connections the server holds at once, by the files that they need.

Waitress' default is a hundred: opening those and sending nothing would stop the site.
"""

from __future__ import annotations

import resource
from typing import Any

from waitress.adjustments import asbool

# Waitress checks each connection in every turn of its loop: more of them make all answers slower.
CONNECTIONS = 3000
# A connection that is idle for so long is closed, which is checked every so often.
IDLE_SECONDS = 30
SECONDS_BETWEEN_CHECKS = 10
HEAD_BYTES = 65_536  # of a request; the application itself answers up to half of it with a page
FILES_OF_A_CONNECTION = 2  # the socket, and a long body or answer that is buffered on disk
OTHER_FILES = 256  # the database, logs, modules
SELECTABLE_FILES = 1024  # the limit of select(), whatever the system allows

DEFAULTS: dict[str, Any] = {
    "connection_limit": CONNECTIONS,
    "asyncore_use_poll": True,  # select() ends the server at the 1,024th file
    "channel_timeout": IDLE_SECONDS,
    "cleanup_interval": SECONDS_BETWEEN_CHECKS,
    "max_request_header_size": HEAD_BYTES,
}


def count_files(connections: int) -> int:
    return connections * FILES_OF_A_CONNECTION + OTHER_FILES


def count_connections(files: int) -> int:
    return max(1, (files - OTHER_FILES) // FILES_OF_A_CONNECTION)


def limit_connections(options: dict[str, Any]) -> str | None:
    """Let the process open as many files as the connections may need. Where that is not allowed, lower
    `connection_limit`, and return a sentence for the operator."""
    try:
        wanted, use_poll = int(options["connection_limit"]), asbool(options["asyncore_use_poll"])
    except ValueError:
        return None  # waitress says what is wrong
    allowed = raise_limit(count_files(wanted))
    reason = f"this process may open {allowed:,} files only (ulimit -n, or LimitNOFILE= of systemd)"
    if not use_poll and allowed > SELECTABLE_FILES:
        allowed = SELECTABLE_FILES
        reason = f"without asyncore_use_poll waitress can watch {allowed:,} files only"
    possible = count_connections(allowed)
    if possible >= wanted:
        return None
    options["connection_limit"] = possible
    return f"At most {possible:,} connections are held at once instead of {wanted:,}: {reason}."


def raise_limit(files: int) -> int:
    """Raise the limit of open files to `files`, or as far as the system allows; return the new limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    if soft == unlimited or soft >= files:
        return files
    possible = files if hard == unlimited else min(files, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (possible, hard))
    return possible
