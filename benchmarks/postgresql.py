"""A PostgreSQL server of one's own that can be stopped, killed, and made to hang."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.servers import free_port

STARTER = Path(__file__).parents[1] / "tests" / "services" / "postgresql"
SECONDS_TO_END = 30.0
SECONDS_TO_START = 90.0


class PostgreSQL:
    """Its data are in `folder`, and stay there when it is stopped or killed."""

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.url = ""
        self._stopped: list[int] = []

    def start(self) -> None:
        """Also again, after it was stopped or killed."""
        end = time.monotonic() + SECONDS_TO_START
        said = self._start()
        # Meanwhile its port may be that of somebody's connection to elsewhere.
        while said.returncode and "in use" in said.stderr and time.monotonic() < end:
            time.sleep(0.5)
            said = self._start()
        if said.returncode:
            raise RuntimeError(said.stderr)
        self.url = said.stdout.strip().partition("=")[2]

    def _start(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(STARTER), "start", str(self.port), str(self.folder)],
            capture_output=True,
            text=True,
            check=False,
        )

    def remove(self) -> None:
        self.goes_on()
        subprocess.run(
            [str(STARTER), "stop", str(self.port), str(self.folder)], capture_output=True, check=False
        )

    def processes(self) -> list[int]:
        """The one that listens, then those that it has made."""
        try:
            first = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        except FileNotFoundError:
            return []
        return [first, *children_of(first)]

    def stop(self) -> None:
        """As an upgrade of its package does: who is connected is thrown out (`pg_ctl --mode=fast`)."""
        self._signal(signal.SIGINT, self.processes()[:1])
        self._wait()

    def kill(self) -> None:
        """As by a crash of its machine."""
        self._signal(signal.SIGKILL, self.processes())
        self._wait()
        (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)

    def hang(self) -> None:
        """Its connections stay open, and nobody answers. No new process is made once the first is stopped."""
        self._stopped = self.processes()
        self._signal(signal.SIGSTOP, self._stopped[:1])
        self._stopped = self.processes()
        self._signal(signal.SIGSTOP, self._stopped)

    def goes_on(self) -> None:
        stopped, self._stopped = self._stopped, []
        self._signal(signal.SIGCONT, stopped)

    def _signal(self, number: signal.Signals, processes: list[int]) -> None:
        for process in processes:
            try:
                os.kill(process, number)
            except ProcessLookupError:
                continue

    def _wait(self) -> None:
        """Until nobody listens there."""
        end = time.monotonic() + SECONDS_TO_END
        while time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)):
                    return
            time.sleep(0.05)
        raise RuntimeError(f"PostgreSQL still listens on port {self.port}.")


def children_of(process: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        if int(fields[1]) == process:
            found.append(int(status.parent.name))
    return sorted(found)


@contextmanager
def own_server(folder: Path, port: int | None = None) -> Iterator[PostgreSQL]:
    server = PostgreSQL(folder, port)
    server.start()
    try:
        yield server
    finally:
        server.remove()
