"""A site in a folder of its own and the real servers that it needs, for measurements and for chaos."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import sqlalchemy as sa

from benchmarks import limits

# Starts an Elasticsearch: `start PORT FOLDER` prints its address and its process id.
STARTER = Path(__file__).parents[2] / "shared" / "elasticsearch" / "start"
SECONDS_TO_END = 20
SECONDS_TO_ANSWER = 2
INI = """[app:main]
use = egg:microblog
microblog.secret = {secret}
microblog.cookies.secure = false
microblog.worker = separate
microblog.database.url = {url}
microblog.search = {adapter}
{lines_of_limits}{more}
[server:main]
use = egg:waitress#main
listen = 127.0.0.1:0
threads = {threads}

{log}"""
LOG_OF_ERRORS = """[loggers]
keys = root
[handlers]
keys = console
[formatters]
keys = line
[logger_root]
level = ERROR
handlers = console
[handler_console]
class = StreamHandler
args = (sys.stderr,)
formatter = line
[formatter_line]
format = %(asctime)s %(levelname)-7s %(name)s: %(message)s
"""


def write_ini(
    folder: Path,
    url: str,
    adapter: str,
    elasticsearch: str | None = None,
    *,
    more: str = "",
    threads: int = 4,
    log: str = LOG_OF_ERRORS,
    lines_of_limits: str = limits.LINES,
) -> Path:
    """The ini file of a site; `elasticsearch` is the server's address, `more` are lines of settings."""
    if elasticsearch:
        more += (
            f"microblog.search.elasticsearch.url = {elasticsearch}\n"
            "microblog.search.elasticsearch.index = bench\n"
        )
    ini = folder / "site.ini"
    values = {"secret": secrets.token_hex(16), "url": url.replace("%", "%%"), "adapter": adapter}
    values |= {"more": more, "lines_of_limits": lines_of_limits, "log": log}
    ini.write_text(INI.format(**values, threads=threads))
    return ini


def command(ini: Path, *words: str) -> list[str]:
    """`microblog -c INI WORDS`, of this environment."""
    return [str(Path(sys.executable).with_name("microblog")), "-c", str(ini), *words]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def own_database(server_url: str) -> Iterator[str]:
    """The URL of a new database on a PostgreSQL server, gone afterwards."""
    name = f"microblog_chaos_{secrets.token_hex(6)}"
    server = sa.create_engine(server_url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    try:
        yield sa.make_url(server_url).set(database=name).render_as_string(hide_password=False)
    finally:
        with server.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
        server.dispose()


class Elasticsearch:
    """A real server, with its data in a folder; killed, it comes back with the same data."""

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process = 0
        self._starting: threading.Thread | None = None
        self._fault = ""

    def start(self) -> None:
        """Begin to start it; `wait` for it."""
        self._starting = threading.Thread(target=self._start)
        self._starting.start()

    def _start(self) -> None:
        # A session of its own: Ctrl-C must not end the starter before it told what it started.
        said = subprocess.run(
            [str(STARTER), str(self.port), str(self.folder)],
            capture_output=True,
            text=True,
            start_new_session=True,
            check=False,
        )
        if said.returncode:
            self._fault = said.stderr
        else:
            self._process = int(said.stdout.split()[-1])

    def wait(self) -> None:
        """Until it answers.

        :raises RuntimeError: when it did not start.
        """
        if self._starting is not None:
            self._starting.join()
        if self._fault:
            raise RuntimeError(f"Elasticsearch did not start: {self._fault}")

    @property
    def is_up(self) -> bool:
        return self._starting is not None and not self._starting.is_alive() and self._process > 0

    def kill(self) -> None:
        """As by a crash."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it, whatever it does now."""
        if self._starting is not None:
            self._starting.join()
        if self._process:
            self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        os.kill(self._process, how)
        self._process = 0
        for _ in range(SECONDS_TO_END * 20):
            try:
                urlopen(self.url, timeout=SECONDS_TO_ANSWER).close()
            except (URLError, OSError):
                return
            time.sleep(0.05)
        raise RuntimeError(f"Elasticsearch still answers at {self.url}.")
