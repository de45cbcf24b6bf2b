"""Who means well is answered while others send what is meant to stop the site.

    python -m benchmarks.hostile [--minutes 4] [--seconds 60] [--attackers 4] [--half-open 500] [--thorough]

A site in a temporary folder, served by `microblog serve`, on this machine only. Attackers send
`benchmarks/hostile_requests.py` one after the other, as fast as they are answered, and hold connections
half open. Meanwhile two people read, search and write posts. Each minute is told by itself. Exit status 1
when people waited for a second or more (the 99th percentile), when anything was answered with a 5xx, or when
the server's memory grew from the first minute to the last. It leaves no process behind, also after Ctrl-C.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import random
import re
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from benchmarks.hostile_requests import KINDS, THOROUGH, HostileRequest
from benchmarks.servers import SECONDS_TO_END, command, write_ini

MOST_SECONDS = 1.0  # the 99th percentile of those who mean well
MOST_GROWTH = 1.15  # of the server's memory, from the first minute to the last
PEOPLE = 2
SECONDS_BETWEEN_PAGES = 0.2
SECONDS_TO_ANSWER = 60
PAGES = (
    "/",
    "/explore",
    "/users/",
    "/users/person0",
    "/search?q=tea",
    f"/search?q={quote('㌖㌖')}",
    "/login",
)
TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
WORDS = ("tea", "coffee", "㌖" * 50, "日本語", "@person1", "https://example.org/", "Straße")


class Person:
    """Reads, searches and writes, with a pause between; `waited` has the seconds of each answer."""

    def __init__(self, url: str, number: int, stop: Any) -> None:
        self._address = urlsplit(url).netloc
        self._number = number
        self._stop = stop
        self._cookies: dict[str, str] = {}
        self._random = random.Random(number)
        self.waited: list[float] = []
        self.statuses: Counter[str] = Counter()

    def ask(self, method: str, path: str, **fields: str) -> str:
        """The page."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        if fields:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        began = time.monotonic()
        try:
            connection = HTTPConnection(self._address, timeout=SECONDS_TO_ANSWER)
            connection.request(method, path, urlencode(fields) if fields else None, headers)
            answer = connection.getresponse()
            page = answer.read().decode()
            connection.close()
        except (OSError, HTTPException) as error:
            self.statuses[type(error).__name__] += 1
            self.waited.append(time.monotonic() - began)
            return ""
        self.waited.append(time.monotonic() - began)
        self.statuses[str(answer.status)] += 1
        for line in answer.headers.get_all("Set-Cookie", []):
            name, _, value = line.partition(";")[0].partition("=")
            self._cookies[name] = value
        return page

    def form_token(self, path: str) -> str:
        found = TOKEN.search(self.ask("GET", path))
        return found[1] if found else ""

    def sign_up(self) -> None:
        name = f"person{self._number}"
        fields = {"nickname": name, "email": f"{name}@example.org", "password": "correct horse battery"}
        self.ask("POST", "/register", csrf_token=self.form_token("/register"), **fields)

    def live(self) -> None:
        self.sign_up()
        while not self._stop.wait(SECONDS_BETWEEN_PAGES):
            if self._random.random() < 0.1:
                body = " ".join(self._random.choices(WORDS, k=4))
                self.ask("POST", "/posts/", csrf_token=self.form_token("/"), body=body[:280])
            else:
                self.ask("GET", self._random.choice(PAGES))

    def told(self) -> tuple[list[float], Counter[str]]:
        """Since it was asked last."""
        waited, self.waited = self.waited, []
        statuses, self.statuses = self.statuses, Counter()
        return waited, statuses


def hostile_ones(seed: int, thorough: bool) -> Iterator[HostileRequest]:
    """Without end, one of each kind by turns."""
    kinds = {**KINDS, **(THOROUGH if thorough else {})}
    chance = random.Random(seed)
    running = {name: make(chance) for name, make in kinds.items()}
    while True:
        for name, make in kinds.items():
            request = next(running[name], None)
            if request is None:
                running[name] = make(chance)
            else:
                yield request


def raw(request: HostileRequest, *, chunked: bool) -> bytes:
    """As it goes over the line."""
    headers = {"Host": "localhost", "Connection": "close", **dict(request.headers)}
    body = request.body
    if chunked and body:
        headers["Transfer-Encoding"] = "chunked"
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    elif body:
        headers["Content-Length"] = str(len(body))
    lines = [
        f"{request.method} {request.path} HTTP/1.1",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def get_status(address: tuple[str, int], data: bytes) -> str:
    """The status, or how the connection ended; the answer is not read."""
    try:
        with socket.create_connection(address, timeout=SECONDS_TO_ANSWER) as client:
            client.sendall(data)
            return client.recv(100).decode("latin-1").split(" ", 2)[1]
    except (OSError, IndexError):
        return "closed"


def attack(url: str, arguments: argparse.Namespace, stop: Any, told: Any) -> None:
    """In a process of its own: attackers, and connections that are half open; `told` gets the statuses."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, arguments.half_open + 500)), hard))
    place = urlsplit(url)
    address = (place.hostname or "", place.port or 0)
    statuses: Counter[str] = Counter()

    def attacker(number: int) -> None:
        for count, request in enumerate(hostile_ones(arguments.seed + number, arguments.thorough)):
            if stop.is_set():
                return
            statuses[get_status(address, raw(request, chunked=count % 5 == 0))] += 1

    def half_open() -> None:
        clients: list[socket.socket] = []
        while not stop.wait(0.05):
            with suppress(OSError):
                clients.append(socket.create_connection(address, timeout=SECONDS_TO_ANSWER))
                clients[-1].sendall(b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\nx")
            if len(clients) > arguments.half_open:
                clients.pop(0).close()
        for client in clients:
            client.close()

    threads = [threading.Thread(target=attacker, args=(number,)) for number in range(arguments.attackers)]
    threads += [threading.Thread(target=half_open)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told.put(statuses)


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, int]]:
    """The address and the process id of `microblog serve`."""
    ini = write_ini(folder, f"sqlite+pysqlite:///{folder}/site.sqlite3", "fts5")
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            command(ini, "serve", "--upgrade"),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            found = re.search(r"http://localhost:\d+", line)
            if found:
                break
        else:
            raise RuntimeError((folder / "log").read_text())
        yield found[0].replace("localhost", "127.0.0.1"), process.pid
    finally:
        process.terminate()
        try:
            process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def megabytes(process: int) -> float:
    """What the process holds in memory."""
    found = re.search(r"VmRSS:\s*(\d+) kB", Path(f"/proc/{process}/status").read_text())
    assert found is not None
    return int(found[1]) / 1000


def percentile(waited: list[float], share: float) -> float:
    return sorted(waited)[max(0, math.ceil(len(waited) * share) - 1)] if waited else math.inf


class Run:
    """Some minutes; `faults` is empty when all went as it should."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.faults: list[str] = []
        self.memory: list[float] = []

    def minute(self, number: int, people: list[Person], process: int) -> None:
        time.sleep(self.arguments.seconds)
        waited: list[float] = []
        statuses: Counter[str] = Counter()
        for person in people:
            times, counted = person.told()
            waited += times
            statuses += counted
        self.memory.append(megabytes(process))
        p50, p99 = (statistics.median(waited), percentile(waited, 0.99)) if waited else (math.inf, math.inf)
        print(
            f"| {number} | {len(waited)} | {p50 * 1000:.0f} ms | {p99 * 1000:.0f} ms "
            f"| {max(waited, default=math.inf) * 1000:.0f} ms | {self.memory[-1]:.0f} MB |",
            flush=True,
        )
        if p99 >= MOST_SECONDS:
            self.faults.append(f"minute {number}: people waited {p99:.2f} s")
        self.look_at(f"minute {number}", statuses, {"200", "303"})

    def look_at(self, whose: str, statuses: Counter[str], expected: set[str] | None = None) -> None:
        bad = {
            status: count
            for status, count in statuses.items()
            if status.startswith("5") or (expected is not None and status not in expected)
        }
        if bad:
            self.faults.append(f"{whose}: answers {bad}")

    def run(self) -> int:
        context = multiprocessing.get_context("spawn")
        stop, told = context.Event(), context.Queue()
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            url, process = stack.enter_context(served(folder))
            people = [Person(url, number, stop) for number in range(PEOPLE)]
            attackers = context.Process(target=attack, args=(url, self.arguments, stop, told))
            runners: list[Any] = [threading.Thread(target=person.live) for person in people] + [attackers]
            stack.callback(self.end, stop, runners)
            print(f"The server holds {megabytes(process):.0f} MB before.")
            print("| Minute | Pages | median | p99 | longest | memory |\n|---|---|---|---|---|---|")
            for runner in runners:
                runner.start()
            for number in range(1, self.arguments.minutes + 1):
                self.minute(number, people, process)
            stop.set()
            statuses: Counter[str] = told.get(timeout=2 * SECONDS_TO_ANSWER)
            self.look_at("attackers", statuses)
            print(f"\n{statuses.total():,} hostile requests: {dict(statuses.most_common())}")
        if self.memory[-1] > self.memory[0] * MOST_GROWTH:
            self.faults.append(f"memory grew: {self.memory}")
        print("\n".join(self.faults) or "Everybody was answered.")
        return 1 if self.faults else 0

    def end(self, stop: Any, runners: list[Any]) -> None:
        stop.set()
        for runner in runners:
            if runner.ident is not None:
                runner.join(2 * SECONDS_TO_ANSWER)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.hostile", description=(__doc__ or "").split("\n")[0]
    )
    add: Callable[..., Any] = parser.add_argument
    add("--minutes", type=int, default=4)
    add("--seconds", type=int, default=60, help="of a minute")
    add("--attackers", type=int, default=4)
    add("--half-open", type=int, default=500, help="connections that send next to nothing")
    add("--seed", type=int, default=8)
    add("--thorough", action="store_true", help="each field of each form with each kind of text, too")
    return Run(parser.parse_args()).run()


if __name__ == "__main__":
    sys.exit(main())
