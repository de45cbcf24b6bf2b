"""What the tests of this folder need to act like a newcomer's machine: commands, an environment, a server."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
# What an environment and a build leave in a checkout, and what is no part of one.
NOT_COPIED = (
    ".git",
    ".venv",
    ".cache",
    "build",
    "dist",
    "*.egg-info",
    "htmlcov",
    "__pycache__",
    ".*_cache",
    "var",
    "*.sqlite3*",
)
SERVER_START_SECONDS = 180  # it installs what it needs first
SERVER_STOP_SECONDS = 10


def run(*command: str | Path, folder: Path, environment: Mapping[str, str] | None = None) -> str:
    """What a command printed; its failure shows all of it."""
    result = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=clean_environment() if environment is None else environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert result.returncode == 0, f"{command} failed:\n{result.stdout}"
    return result.stdout


def clean_environment() -> dict[str, str]:
    """The environment without what would let the checkout or this test run shine through."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MICROBLOG_", "COV_", "COVERAGE_", "PYTEST_")) and name != "PYTHONPATH"
    }


def copy_checkout(target: Path) -> Path:
    """A copy, so that what is built or installed neither finds nor leaves anything in the checkout."""
    shutil.copytree(CHECKOUT, target, symlinks=True, ignore=shutil.ignore_patterns(*NOT_COPIED))
    return target


def call_build_backend(name: str, source: Path, target: Path) -> Path:
    """What a function of setuptools' build backend makes of a source folder: a file, or a folder."""
    target.mkdir(parents=True)
    code = f"from setuptools import build_meta; print(build_meta.{name}({str(target)!r}))"
    environment = clean_environment() | {"PYTHONWARNINGS": "ignore"}
    said = run(sys.executable, "-c", code, folder=source, environment=environment)
    return target / said.splitlines()[-1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(
    *command: str | Path, url: str, folder: Path, log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Runs a server for as long as the block lasts, which begins when it answers at the URL."""
    with log.open("wb") as output:
        server = subprocess.Popen(
            command,
            cwd=folder,
            env=clean_environment() if environment is None else environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(url, server, log)
        yield
    finally:
        server.terminate()
        server.wait(SERVER_STOP_SECONDS)


def wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + SERVER_START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"the server did not answer at {url}:\n{log.read_text(errors='replace')}")
