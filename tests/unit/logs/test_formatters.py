"""One event is one line, with any content."""

from __future__ import annotations

import json
import logging
import logging.config
import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microblog.logs.formatters import CONTINUATION, JSONFormatter, LineFormatter, WatchedFileHandler, escape
from microblog.observing import Observation, _current
from microblog.redaction import RemoveDetails
from microblog.request import Request

# What some program takes for the end of a line, and what moves a terminal's cursor.
NASTY = "\n\r\v\f\x1b\x1c\x1d\x1e\x85\u2028\u2029\x00\x08\x7f\u202e"
texts = st.text() | st.text(alphabet=NASTY + "ab %{}")
INI = """
[loggers]
keys = root
[handlers]
keys = file
[formatters]
keys = json
[logger_root]
handlers = file
[handler_file]
class = microblog.logs.formatters.WatchedFileHandler
args = ('%(here)s/site.log', 'a', 'utf-8')
formatter = json
[formatter_json]
class = microblog.logs.formatters.JSONFormatter
"""

# Writes so many numbered lines, each longer than any buffer, into the log that the ini file names.
WRITER = """
import logging, logging.config, sys
_, folder, name, count = sys.argv
logging.config.fileConfig(f"{folder}/x.ini", defaults={"here": folder})
log = logging.getLogger("microblog.writer")
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(count)):
    log.warning("%s %d %s", name, number, "x" * 20_000)
    if number == int(count) // 3:
        print("on the way", flush=True)
        sys.stdin.readline()
"""


def record(message, *arguments, **more):
    made = logging.LogRecord("microblog.x", logging.WARNING, __file__, 1, message, arguments, None)
    for name, value in more.items():
        setattr(made, name, value)
    return made


def of_trace(error):
    return (type(error), error, error.__traceback__)


@pytest.fixture
def observe():
    """The events of the test are those of this request, or task."""
    tokens = []

    def observe(observation):
        tokens.append(_current.set(observation))

    yield observe
    for token in reversed(tokens):
        _current.reset(token)


@given(texts)
def test_no_argument_makes_a_second_line(text):
    for formatter in (LineFormatter(), JSONFormatter()):
        line = formatter.format(record("Somebody typed %s.", text))
        assert len(line.splitlines()) == 1
        line.encode()


@given(texts)
def test_no_message_makes_a_line_that_looks_like_an_event(text):
    assert len(JSONFormatter().format(record(text)).splitlines()) == 1
    _, *others = LineFormatter().format(record(text)).splitlines()
    assert all(line.startswith(CONTINUATION) for line in others)


@given(texts)
def test_neither_does_a_trace(text):
    formatted = [
        formatter.format(record("Failed", exc_info=of_trace(ValueError(text))))
        for formatter in (LineFormatter(), JSONFormatter())
    ]
    _, *others = formatted[0].splitlines()
    assert all(line.startswith(CONTINUATION) for line in others)
    assert len(formatted[1].splitlines()) == 1


@given(st.dictionaries(texts, texts | st.floats() | st.binary() | st.none()))
def test_a_line_is_json_with_any_fields(fields):
    line = JSONFormatter().format(record("x", fields=fields))
    assert json.loads(line)["message"] == "x"
    assert len(line.splitlines()) == 1


def test_a_line_for_people():
    line = LineFormatter(datefmt="now").format(record("All %s", "well"))
    assert line == "now WARNING microblog.x All well"


def test_control_characters_are_shown():
    assert escape("a\nb\r\t\x1b[31m\u2028\ud800é") == "a\\nb\\r\\t\\x1b[31m\\u2028\\ud800é"


def test_a_request_shows_its_id_and_a_task_its_name_too(observe):
    observe(Observation("GET /", request=Request.blank("/"), id="request-1"))
    assert "microblog.x [request-1] x" in LineFormatter().format(record("x"))
    observe(Observation("search index", id="task-1"))
    assert "microblog.x [task-1 search index] x" in LineFormatter().format(record("x"))
    event = json.loads(JSONFormatter().format(record("x")))
    assert (event["request_id"], event["task"]) == ("task-1", "search index")


def test_a_line_for_programs():
    event = json.loads(JSONFormatter().format(record("É %d", 1, created=0.25, fields={"status": 200})))
    assert event == {
        "time": "1970-01-01T00:00:00.250+00:00",
        "level": "WARNING",
        "logger": "microblog.x",
        "message": "É 1",
        "fields": {"status": 200},
    }


@pytest.mark.parametrize("formatter", [LineFormatter(), JSONFormatter()])
def test_arguments_that_do_not_fit_lose_no_event(formatter):
    line = formatter.format(record("%d of %d", "some"))
    assert "%d of %d ('some',)" in line


def test_fields_that_json_cannot_hold_are_shown_as_python_does():
    endless: dict[str, object] = {}
    endless["self"] = endless
    assert "{...}" in json.loads(JSONFormatter().format(record("x", fields=endless)))["fields"]
    assert json.loads(JSONFormatter().format(record("x", fields={"x": math.inf})))["fields"] == "{'x': inf}"


def test_a_trace_and_a_stack_are_logged_without_the_row_at_fault():
    error = ValueError("duplicate key\nDETAIL:  Key (email)=(susan@example.com) already exists.")
    made = record("Failed", exc_info=of_trace(error), stack_info="Stack (most recent call last):\n  here")
    RemoveDetails().filter(made)
    exception = json.loads(JSONFormatter().format(made))["exception"]
    assert "ValueError: duplicate key" in exception
    assert exception.endswith("Stack (most recent call last):\n  here")
    assert "susan" not in exception
    lines = LineFormatter().format(made).splitlines()
    assert lines[0].endswith("Failed")
    assert f"{CONTINUATION}ValueError: duplicate key" in lines


def test_a_trace_that_was_formatted_before_is_logged_too():
    made = record("Failed", exc_info=(None, None, None), exc_text="Traceback: x\nDETAIL:  secret")
    RemoveDetails().filter(made)
    assert json.loads(JSONFormatter().format(made))["exception"].startswith("Traceback: x")
    assert "secret" not in LineFormatter().format(made)


def test_the_ini_file_can_name_the_formatter(tmp_path):
    (tmp_path / "x.ini").write_text(INI)
    before = logging.root.handlers[:], logging.root.level
    try:
        logging.config.fileConfig(
            tmp_path / "x.ini", defaults={"here": str(tmp_path)}, disable_existing_loggers=False
        )
        logging.getLogger("microblog.x").warning("One\nof two lines")
        (handler,) = logging.root.handlers
        handler.close()
    finally:
        logging.root.handlers[:], logging.root.level = before
    (line,) = (tmp_path / "site.log").read_text().splitlines()
    assert json.loads(line)["message"] == "One\nof two lines"


def test_a_file_whose_folder_is_gone_fails_nobody_who_logs(tmp_path, capsys):
    (tmp_path / "logs").mkdir()
    handler = WatchedFileHandler(tmp_path / "logs" / "site.log")
    handler.handle(record("One"))
    (tmp_path / "logs").rename(tmp_path / "away")
    for _ in range(2):
        handler.handle(record("Two"))
    assert "No such file or directory" in capsys.readouterr().err
    (tmp_path / "logs").mkdir()
    handler.handle(record("Three"))
    handler.close()
    assert (tmp_path / "logs" / "site.log").read_text() == "Three\n"


def line_of(writer):
    return writer.stdout.readline().strip()


def go_on(writer):
    writer.stdin.write("go on\n")
    writer.stdin.flush()


@pytest.mark.slow
def test_several_processes_write_one_file_and_lose_nothing_when_it_is_moved(tmp_path):
    """As logrotate does it: renamed, and made anew, while everybody writes."""
    (tmp_path / "x.ini").write_text(INI)
    names, lines = ("one", "two", "three"), 90
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, tmp_path, name, str(lines)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    for said in ("ready", "on the way"):
        for writer in writers:
            assert line_of(writer) == said
        if said == "on the way":
            (tmp_path / "site.log").rename(tmp_path / "site.log.1")
            (tmp_path / "site.log").touch()
        for writer in writers:
            go_on(writer)
    for writer in writers:
        writer.communicate(timeout=60)
        assert writer.returncode == 0
    found = []
    for file in ("site.log.1", "site.log"):
        messages = [
            json.loads(line)["message"].split() for line in (tmp_path / file).read_text().splitlines()
        ]
        assert messages
        found += [(name, int(number)) for name, number, _ in messages]
    assert sorted(found) == sorted((name, number) for name in names for number in range(lines))
