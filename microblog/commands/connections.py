"""How many connections the server holds at once, and the files that this takes.

Without these, waitress accepts a hundred: whoever opens them and sends nothing has stopped the site.
"""

from __future__ import annotations

import resource
from typing import Any

from waitress.adjustments import asbool

# Each connection is looked at in every turn of waitress' loop: more of them make all answers slower.
CONNECTIONS = 3000
# A connection without a byte for so long is closed, and looked for every so often.
IDLE_SECONDS = 30
SECONDS_BETWEEN_LOOKS = 10
HEAD_BYTES = 65_536  # of a request; the application itself answers up to half of it with a page
FILES_OF_A_CONNECTION = 2  # the socket, and a long body or answer that is kept on the disk
OTHER_FILES = 256  # the database, logs, modules
SELECTABLE_FILES = 1024  # what select() can look at, whatever the system allows

DEFAULTS: dict[str, Any] = {
    "connection_limit": CONNECTIONS,
    "asyncore_use_poll": True,  # select() ends the server at the 1,024th file
    "channel_timeout": IDLE_SECONDS,
    "cleanup_interval": SECONDS_BETWEEN_LOOKS,
    "max_request_header_size": HEAD_BYTES,
}


def files_for(connections: int) -> int:
    return connections * FILES_OF_A_CONNECTION + OTHER_FILES


def connections_for(files: int) -> int:
    return max(1, (files - OTHER_FILES) // FILES_OF_A_CONNECTION)


def limit_connections(options: dict[str, Any]) -> str | None:
    """Lets the process open as many files as the connections may need, and lowers `connection_limit` where
    that is not allowed; then the answer is a sentence for the operator."""
    try:
        wanted, use_poll = int(options["connection_limit"]), asbool(options["asyncore_use_poll"])
    except ValueError:
        return None  # waitress says what is wrong
    allowed = raise_limit(files_for(wanted))
    reason = f"this process may open {allowed:,} files only (ulimit -n, or LimitNOFILE= of systemd)"
    if not use_poll and allowed > SELECTABLE_FILES:
        allowed = SELECTABLE_FILES
        reason = f"without asyncore_use_poll waitress can look at {allowed:,} files only"
    possible = connections_for(allowed)
    if possible >= wanted:
        return None
    options["connection_limit"] = possible
    return f"At most {possible:,} connections are held at once instead of {wanted:,}: {reason}."


def raise_limit(files: int) -> int:
    """How many files this process may open: `files`, or as many as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    if soft == unlimited or soft >= files:
        return files
    possible = files if hard == unlimited else min(files, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (possible, hard))
    return possible
