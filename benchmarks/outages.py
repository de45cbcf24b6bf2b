"""PostgreSQL is stopped, hangs and is killed under load: who waits, what is logged and mailed, what is lost.

    python -m benchmarks.outages [--seconds 20] [--port N] [--keep]

A site in a temporary folder with `microblog serve` (eight threads) and `microblog worker`, on a PostgreSQL of
its own. Eight people write and four read as fast as they are answered; one asks for `/health/live` and one
for a static file ten times a second. PostgreSQL is stopped (as by an upgrade), made to hang (`kill -STOP`),
and killed, for so many seconds each. At the end every post that was acknowledged has to be there, once. Exit
status 1 when one is not.
"""

from __future__ import annotations

import argparse
import http.client
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

import sqlalchemy as sa

from benchmarks.postgresql import PostgreSQL, own_server
from benchmarks.servers import command, write_ini

WRITERS, READERS = 8, 4  # more than the server has threads
SECONDS_BEFORE, SECONDS_AFTER = 5, 8
SECONDS_BETWEEN_PROBES = 0.1
SECONDS_OF_PATIENCE = 60
MAIL_FOR_ADMINS = """microblog.admins = admin@example.org
microblog.mail = folder
microblog.mail.folder = %(here)s/mail
microblog.alerts.state = %(here)s/alerts
"""
LOG = """[loggers]
keys = root, microblog
[handlers]
keys = console, file
[formatters]
keys = line
[logger_root]
level = WARNING
handlers = console, file
[logger_microblog]
level = INFO
handlers =
qualname = microblog
[handler_console]
class = StreamHandler
level = WARNING
args = (sys.stderr,)
formatter = line
[handler_file]
class = microblog.logs.formatters.WatchedFileHandler
args = ('%(here)s/microblog.log', 'a', 'utf-8')
formatter = line
[formatter_line]
class = microblog.logs.formatters.LineFormatter
"""


class Browser:
    """Keeps its cookies."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._cookies: dict[str, str] = {}

    def ask(self, path: str, fields: dict[str, str] | None = None) -> tuple[int, str]:
        """(status, text); status 0 when there was no answer."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        body = None
        if fields is not None:
            body = urlencode(fields)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=SECONDS_OF_PATIENCE)
        try:
            connection.request("GET" if fields is None else "POST", path, body, headers)
            answer = connection.getresponse()
            for header in answer.headers.get_all("Set-Cookie") or ():
                name, _, value = header.partition(";")[0].partition("=")
                self._cookies[name] = value
            return answer.status, answer.read().decode()
        except OSError:
            return 0, ""
        finally:
            connection.close()

    def fields_of(self, path: str) -> dict[str, str]:
        """The hidden fields of the form there; none when the page did not come."""
        status, text = self.ask(path)
        if status != http.client.OK:
            return {}
        found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', text)
        return dict(found)


@dataclass
class Load:
    """What people did, and what they were told."""

    port: int
    ended: threading.Event = field(default_factory=threading.Event)
    acknowledged: list[str] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    longest: dict[str, float] = field(default_factory=dict)
    last_post: float = 0.0

    def note(self, what: str, status: int, seconds: float) -> None:
        self.statuses[f"{what} {status}"] += 1
        self.longest[what] = max(seconds, self.longest.get(what, 0.0))

    def timed(self, what: str, ask: Callable[[], tuple[int, str]]) -> int:
        began = time.monotonic()
        status, _ = ask()
        self.note(what, status, time.monotonic() - began)
        return status

    def write(self, name: str) -> None:
        browser = Browser(self.port)
        fields = browser.fields_of("/register")
        password = secrets.token_hex(12)
        who = {"nickname": name, "email": f"{name}@example.com", "password": password}
        browser.ask("/register", {**fields, **who})
        number = 0
        while not self.ended.is_set():
            form = browser.fields_of("/")
            if "key" not in form:
                self.statuses["no form"] += 1
                self.ended.wait(0.2)
                continue
            number += 1
            body = f"{name} {number}"
            # Whoever gets an error page sends the same form again.
            while not self.ended.is_set():
                status = self.timed("write", partial(browser.ask, "/posts/", {**form, "body": body}))
                if status == http.client.SEE_OTHER:
                    self.acknowledged.append(body)
                    self.last_post = time.monotonic()
                    break
                self.ended.wait(0.2)

    def read(self) -> None:
        browser = Browser(self.port)
        while not self.ended.is_set():
            if self.timed("read", lambda: browser.ask("/explore")) != http.client.OK:
                self.ended.wait(0.1)

    def probe(self, what: str, path: str) -> None:
        browser = Browser(self.port)
        while not self.ended.wait(SECONDS_BETWEEN_PROBES):
            self.timed(what, lambda: browser.ask(path))


class Site:
    def __init__(self, folder: Path, server: PostgreSQL, stack: ExitStack) -> None:
        self.folder = folder
        self.log = folder / "microblog.log"
        # The test server does not wait for its log of changes; here that would lose posts.
        url = f"{server.url}?options=-c%20synchronous_commit%3Don"
        self.url = url
        self.ini = write_ini(folder, url, "postgresql", more=MAIL_FOR_ADMINS, threads=8, log=LOG)
        subprocess.run(command(self.ini, "database", "upgrade"), check=True, capture_output=True)
        self.serve = self._start("serve", stack)
        assert self.serve.stdout is not None
        said = self.serve.stdout.readline().decode()
        found = re.search(r":(\d+) ", said)
        if found is None:
            raise RuntimeError(f"The server did not start: {said}")
        self.port = int(found[1])
        self._start("worker", stack)

    def _start(self, what: str, stack: ExitStack) -> subprocess.Popen[bytes]:
        with (self.folder / f"{what}.err").open("ab") as errors:
            process = subprocess.Popen(
                command(self.ini, what), stdout=subprocess.PIPE, stderr=errors, start_new_session=True
            )
        stack.callback(end_process, process)
        return process

    def counts(self) -> dict[str, int]:
        """Of everything that was logged and mailed until now."""
        lines = self.log.read_text().splitlines()
        errors = b"".join((self.folder / f"{what}.err").read_bytes() for what in ("serve", "worker"))
        mail = self.folder / "mail"
        return {
            "access": sum(" microblog.access " in line for line in lines),
            "other": sum(" microblog.access " not in line for line in lines),
            "bytes": self.log.stat().st_size,
            "stderr": errors.count(b"\n"),
            "mails": len(list(mail.iterdir())) if mail.exists() else 0,
        }


def end_process(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def outage(site: Site, load: Load, seconds: float, begin: Callable[[], None], end: Callable[[], None]) -> str:
    """One row of the table."""
    time.sleep(SECONDS_BEFORE)
    before = site.counts()
    load.statuses.clear()
    load.longest.clear()
    begin()
    time.sleep(seconds)
    end()
    back = time.monotonic()
    while load.last_post < back and time.monotonic() < back + SECONDS_OF_PATIENCE:
        time.sleep(0.02)
    recovered = load.last_post - back
    time.sleep(SECONDS_AFTER)
    grown = {name: count - before[name] for name, count in site.counts().items()}
    refused = sum(count for what, count in load.statuses.items() if what.endswith(" 503"))
    wrong = {what: count for what, count in load.statuses.items() if what.endswith((" 500", " 0"))}
    cells = [
        f"{refused:,}",
        f"{load.longest['live']:.2f} s",
        f"{load.longest['static']:.2f} s",
        f"{max(load.longest['read'], load.longest['write']):.2f} s",
        f"{grown['other']}",
        f"{grown['access']:,}",
        f"{grown['bytes'] / 1000:,.0f} kB",
        f"{grown['stderr']}",
        f"{grown['mails']}",
        f"{recovered:.1f} s",
    ]
    return " | ".join(cells) + (f" | {wrong}" if wrong else "")


HEAD = (
    "| | 503s | longest /health/live | longest static file | longest page | log lines | access log lines "
    "| bytes of the log | lines on stderr | mails | a post again after |"
)


def compare(site: Site, load: Load) -> int:
    """How many acknowledged posts are missing, or there twice."""
    engine = sa.create_engine(site.url)
    with engine.connect() as connection:
        there = Counter(connection.scalars(sa.text("SELECT body FROM posts")))
    engine.dispose()
    lost = [body for body in load.acknowledged if body not in there]
    twice = [body for body, count in there.items() if count > 1]
    print(f"{len(load.acknowledged):,} posts acknowledged, {len(lost)} lost, {len(twice)} twice.")
    return len(lost) + len(twice)


def run(folder: Path, seconds: float, port: int | None, stack: ExitStack) -> int:
    server = stack.enter_context(own_server(folder / "postgresql", port))
    site = Site(folder, server, stack)
    load = Load(site.port)
    threads = [
        *(threading.Thread(target=load.write, args=(f"writer{number}",)) for number in range(WRITERS)),
        *(threading.Thread(target=load.read) for _ in range(READERS)),
        threading.Thread(target=load.probe, args=("live", "/health/live")),
        threading.Thread(target=load.probe, args=("static", "/static/app.css")),
    ]
    for thread in threads:
        thread.start()
    outages = {
        "stopped": (server.stop, server.start),
        "hangs": (server.hang, server.goes_on),
        "killed": (server.kill, server.start),
    }
    try:
        rows = [f"| {name} | {outage(site, load, seconds, *both)} |" for name, both in outages.items()]
    finally:
        load.ended.set()
        for thread in threads:
            thread.join()
    print(HEAD, "|---|" + "---|" * (HEAD.count("|") - 2), *rows, sep="\n")
    for line in site.log.read_text().splitlines():
        if " microblog.access " not in line:
            print(line[:200])
    return 1 if compare(site, load) else 0


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.outages", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--seconds", type=float, default=20.0, help="how long each of them lasts")
    parser.add_argument("--port", type=int, help="of PostgreSQL; a free one unless told")
    parser.add_argument("--keep", action="store_true", help="leave the folder of the site where it is")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="microblog-outages-"))
    folder.chmod(0o755)  # PostgreSQL's own user has to get in
    try:
        with ExitStack() as stack:
            return run(folder, arguments.seconds, arguments.port, stack)
    finally:
        if arguments.keep:
            print(f"The site is in {folder}.", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
