"""The `microblog` command on the test's own database, in this process or in one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest
from click.testing import CliRunner, Result

from microblog.commands import main
from microblog.db import DATABASE_URL
from microblog.search.settings import SEARCH
from tests.conftest import TEST_SECRET, Application

EXECUTABLES = Path(sys.executable).parent
INI = """
[app:main]
use = egg:microblog
microblog.secret = {secret}
microblog.cookies.secure = false
microblog.database.url = {url}
microblog.search = {search}
{more}

[server:main]
use = egg:waitress#main
listen = 127.0.0.1:0

[pshell]
setup = microblog.commands.pshell.setup
"""


def write_ini(
    path: Path, url: str, search: str = "none", more: str = "microblog.worker = off", *, sections: str = ""
) -> Path:
    text = INI.format(secret=TEST_SECRET, url=url.replace("%", "%%"), search=search, more=more)
    path.write_text(f"{text}{sections}", encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def no_ini_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MICROBLOG_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def ini(application: Application, tmp_path: Path) -> Path:
    """The ini file of a site on the database of `application`."""
    settings = application.registry.microblog
    return write_ini(tmp_path / "site.ini", settings[DATABASE_URL], settings[SEARCH])


@pytest.fixture
def new_site(tmp_path: Path) -> Path:
    """The ini file of a site on SQLite that has no database yet."""
    return write_ini(tmp_path / "new.ini", f"sqlite+pysqlite:///{tmp_path}/var/new.sqlite3", "fts5")


def run(*arguments: Any, stdin: str | bytes | IO[bytes] | None = None, status: int = 0) -> Result:
    """The command, in this process."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments], input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == status, result.output
    return result


@pytest.fixture
def microblog(ini: Path) -> Callable[..., Result]:
    """`microblog("user", "add", …)` is `microblog -c site.ini user add …`."""
    return lambda *arguments, **options: run("-c", ini, *arguments, **options)


class Process:
    """The command in a process of its own, which may open so many `files`; `line()` waits for what it
    prints next."""

    def __init__(self, *arguments: Any, files: int | None = None) -> None:
        command = [str(EXECUTABLES / "microblog"), *map(str, arguments)]
        if files is not None:
            command = ["sh", "-c", f'ulimit -n {files}; exec "$@"', "sh", *command]
        self._process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
        )

    def line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def end(self, signal: int | None = None) -> tuple[int, str]:
        """(exit status, standard error) after the signal."""
        if signal is not None:
            self._process.send_signal(signal)
        _, errors = self._process.communicate(timeout=60)
        return self._process.returncode, errors

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()


@pytest.fixture
def start() -> Iterator[Callable[..., Process]]:
    """Starts the command in a process of its own, and makes sure that it ends."""
    processes: list[Process] = []

    def process(*arguments: Any, **more: Any) -> Process:
        processes.append(Process(*arguments, **more))
        return processes[-1]

    yield process
    for one in processes:
        one.close()
