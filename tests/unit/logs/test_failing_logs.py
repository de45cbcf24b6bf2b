"""A log that cannot be written says so once, and other packages do not fill it."""

from __future__ import annotations

import io
import logging
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from microblog.logs.failing_logs import (
    OnceAMinute,
    list_handlers,
    prepare_handlers,
    quiet_noisy_loggers,
    report_once,
)
from microblog.logs.formatters import WatchedFileHandler
from tests.clock import Clock
from tests.functional.commands.conftest import EXECUTABLES, write_ini

SMALL = 400_000  # bytes


def record(text="An event"):
    return logging.LogRecord("microblog", logging.WARNING, __file__, 1, text, (), None)


class Disk(io.StringIO):
    """Is full when a test says so."""

    is_full = False

    def write(self, text):
        if self.is_full:
            raise OSError(28, "No space left on device")
        return super().write(text)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def disk():
    return Disk()


@pytest.fixture
def handler(disk, clock):
    handler = logging.StreamHandler(disk)
    report_once(handler, clock)
    return handler


def test_a_full_disk_is_reported_once_and_once_when_it_is_over(handler, disk, capsys):
    disk.is_full = True
    for _ in range(50):
        handler.handle(record())
    disk.is_full = False
    for _ in range(3):
        handler.handle(record())
    begins, ends = capsys.readouterr().err.splitlines()
    assert begins.startswith("The log cannot be written by <StreamHandler")
    assert "(OSError: [Errno 28] No space left on device): events are lost until it can." in begins
    assert ends == "The log is written again; 50 events were lost."
    assert disk.getvalue().count("An event\n") == 3


def test_a_disk_that_comes_and_goes_is_reported_once_a_minute(handler, disk, clock, capsys):
    for _ in range(20):
        disk.is_full = True
        handler.handle(record())
        disk.is_full = False
        handler.handle(record())
    assert len(capsys.readouterr().err.splitlines()) == 2
    clock.now = 61
    disk.is_full = True
    handler.handle(record())
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_handler_that_fails_is_reported_once(clock, capsys):
    class Broken(logging.Handler):
        def emit(self, record):
            raise RuntimeError("broken\nin two lines")

    handler = Broken()
    report_once(handler, clock)
    report_once(handler, clock)
    for _ in range(5):
        handler.handle(record())
    (line,) = capsys.readouterr().err.splitlines()
    assert "(RuntimeError: broken in two lines)" in line


def test_standard_error_may_be_closed_too(handler, disk, monkeypatch):
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    disk.is_full = True
    handler.handle(record())
    disk.is_full = False
    handler.handle(record("Goes on"))
    assert disk.getvalue() == "Goes on\n"


def test_handlers_of_the_ini_file_report_once_and_those_of_others_are_left_alone(tmp_path):
    ours = WatchedFileHandler(tmp_path / "site.log")
    stream = logging.StreamHandler(Disk())

    class Others(logging.Handler):
        pass

    theirs = Others()
    logger = logging.getLogger("microblog.tests.of.handlers")
    for handler in (ours, stream, theirs):
        logger.addHandler(handler)
    try:
        assert list_handlers() >= {ours, stream, theirs}
        prepare_handlers()
        assert "handleError" in vars(stream)
        assert "handleError" not in vars(theirs)
    finally:
        logger.handlers.clear()
        ours.close()


def test_a_repeated_event_passes_once_a_minute(clock):
    once = OnceAMinute(clock)
    assert [once.filter(record()) for _ in range(3)] == [True, False, False]
    clock.now = 61
    assert once.filter(record())


def test_the_clients_of_elasticsearch_warn_only_if_the_ini_file_says_so():
    transport, pool = (logging.getLogger(name) for name in ("elastic_transport", "urllib3.connectionpool"))
    before = transport.level, pool.level
    try:
        transport.setLevel(logging.NOTSET)
        pool.setLevel(logging.DEBUG)
        quiet_noisy_loggers()
        assert not logging.getLogger("elastic_transport.node_pool").isEnabledFor(logging.WARNING)
        assert pool.level == logging.DEBUG
    finally:
        transport.setLevel(before[0])
        pool.setLevel(before[1])


def test_waitress_warns_of_its_queue_once_a_minute(caplog):
    quiet_noisy_loggers()
    quiet_noisy_loggers()
    queue = logging.getLogger("waitress.queue")
    (mine,) = [known for known in queue.filters if isinstance(known, OnceAMinute)]
    mine._last = None
    for _ in range(20):
        queue.warning("Task queue depth is %d", 3)
    assert len(caplog.records) == 1


FULL = """
[loggers]
keys = root
[handlers]
keys = file
[formatters]
keys = line
[logger_root]
level = INFO
handlers = file
[handler_file]
class = microblog.logs.formatters.WatchedFileHandler
args = ('%(here)s/disk/site.log', 'a', 'utf-8')
formatter = line
[formatter_line]
class = microblog.logs.formatters.LineFormatter
"""


@pytest.mark.slow
def test_a_server_whose_log_disk_is_full_keeps_serving_and_reports_it_in_one_line(tmp_path):
    """A real one: it was fifty lines for each request."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("Run as root, where a file system can be mounted: this fills one.")
    try:
        ini = write_ini(tmp_path / "x.ini", f"sqlite+pysqlite:///{tmp_path}/x.sqlite3")
        ini.write_text(ini.read_text() + FULL)
        with (disk / "filler").open("wb", buffering=0) as filler, suppress(OSError):
            while True:
                filler.write(b"x" * 4096)
        said = requests_of(ini)
        assert said.count("\n") == 1
        assert said.startswith("The log cannot be written by <WatchedFileHandler")
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


ASK = """
import sys
from webtest import TestApp
from microblog.console.site import Site

site = Site(sys.argv[1])
browser = TestApp(site.load_application())
site.setup_logging()
for _ in range(30):
    browser.get("/health/live", status=200)
site.close()
"""


def requests_of(ini: Path) -> str:
    """What thirty requests write to standard error."""
    ran = subprocess.run(
        [EXECUTABLES / "python", "-W", "ignore", "-c", ASK, ini], capture_output=True, text=True, check=True
    )
    return ran.stderr
