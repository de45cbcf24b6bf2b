"""The line that shows how far long work has come."""

from __future__ import annotations

import io
import re

from microblog.console.progress import CLEAR_LINE, Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_one_line_again_and_again():
    terminal = Terminal()
    progress = Progress(100, "posts", stream=terminal, seconds=0)
    progress.update(50, 500)
    progress.say("Line 7: bad.")
    progress.update(100, 1000)
    progress.finish()
    lines = terminal.getvalue().split(CLEAR_LINE)
    assert re.fullmatch(r" 50%  500 posts  [\d,]+/s  \d:\d\d:\d\d left", lines[1])
    assert lines[2].startswith("Line 7: bad.\n 50%")
    assert re.fullmatch(r"100%  1,000 posts  [\d,]+/s  0:00:00 left", lines[3])
    assert lines[4] == ""


def test_a_log_gets_a_line_a_tenth():
    log = io.StringIO()
    progress = Progress(100, "posts", stream=log, seconds=0)
    for position in range(101):
        progress.update(position, position)
    progress.say("Line 7: bad.")
    progress.finish()
    lines = log.getvalue().splitlines()
    assert [int(line[:3]) for line in lines[:-1]] == [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]
    assert lines[-1] == "Line 7: bad."


def test_short_work_shows_no_progress():
    log = io.StringIO()
    Progress(100, "posts", stream=log).update(100, 100)
    assert log.getvalue() == ""


def test_resumed_work_begins_at_its_position():
    log = io.StringIO()
    progress = Progress(100, "posts", start=95, stream=log, seconds=0)
    progress.update(96, 1)
    progress.update(200, 2)
    assert log.getvalue().startswith("100%  2 posts")
