"""How many connections the server holds, and the files that this takes."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from microblog.commands.connections import (
    CONNECTIONS,
    DEFAULTS,
    count_connections,
    count_files,
    limit_connections,
)


def limited(hard: int, soft: int | None = None, **options: object) -> list[str]:
    """Of a process that may open so many files: its limits of connections and files, and the warning."""
    program = (
        "import resource\n"
        "from microblog.commands.connections import DEFAULTS, limit_connections\n"
        f"resource.setrlimit(resource.RLIMIT_NOFILE, ({soft or hard}, {hard}))\n"
        f"options = {{**DEFAULTS, **{options!r}}}\n"
        "warning = limit_connections(options)\n"
        "print(options['connection_limit'])\n"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])\n"
        "print(warning)\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return result.stdout.splitlines()


def test_as_many_files_are_opened_as_connections_need():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < count_files(CONNECTIONS):
        pytest.skip(
            f"Let processes open {count_files(CONNECTIONS)} files (ulimit -Hn), to serve as many connections."
        )
    assert limited(count_files(CONNECTIONS), 512) == [str(CONNECTIONS), str(count_files(CONNECTIONS)), "None"]


def test_a_limit_that_is_high_enough_stays():
    assert limited(2000, connection_limit=100) == ["100", "2000", "None"]


def test_where_fewer_files_are_allowed_there_are_fewer_connections_and_a_warning():
    connections, files, warning = limited(1000, 500)
    assert (connections, files) == (str(count_connections(1000)), "1000")
    assert warning == (
        "At most 372 connections are held at once instead of 3,000: this process may open 1,000 files only "
        "(ulimit -n, or LimitNOFILE= of systemd)."
    )


def test_with_next_to_no_files_there_is_one_connection():
    assert limited(100)[0] == "1"


def test_without_poll_there_are_only_as_many_as_select_can_look_at():
    connections, _, warning = limited(4096, connection_limit="2000", asyncore_use_poll="false")
    assert connections == "384"
    assert "without asyncore_use_poll waitress can watch 1,024 files only" in warning


def test_without_poll_a_few_connections_need_no_warning():
    assert limited(4096, connection_limit="300", asyncore_use_poll="false")[::2] == ["300", "None"]


def test_an_invalid_number_is_left_to_waitress():
    options = {**DEFAULTS, "connection_limit": "many"}
    assert limit_connections(options) is None
    assert options["connection_limit"] == "many"
