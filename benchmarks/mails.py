"""Whatever is killed: each mail arrives, and twice only where its worker died before it could say so.

    python -m benchmarks.mails [--seed N] [--follows 1000] [--kills 20] [--database URL] [--keep]

A site in a temporary folder, a mail server that says 4xx and 5xx, stalls, breaks off and answers nobody
(`benchmarks/mail_server.py`), and two `microblog worker`. While people follow others, which is a mail each,
workers are killed with SIGKILL, every other time as soon as the server has taken a mail; the server is
killed, too, and is away for a while. Then everything is left alone until nothing waits. Each mail must have
arrived, at whom it was for; one that arrived twice has to be marked as perhaps sent twice, unless the server
was killed before it could answer. Exit status 1 when anything differs. It leaves no process behind.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from benchmarks.chaos import SERVER_VARIABLE, Worker, run_in_folder, say
from benchmarks.mail_server import GONE
from benchmarks.servers import command, free_port, write_ini
from microblog.accounts.queries import add_user
from microblog.console.site import Site
from microblog.mail.models import Mail
from microblog.mail.queries import REFUSED, SENT, WAITING
from microblog.outbox.models import Entry, Pause
from microblog.people.actions import follow

READERS = 40  # who are followed; the first one's address is gone
TIMEOUT_SECONDS = 2.0
SECONDS_TO_CALM = 300  # the lease of a killed worker takes more than a minute
SECONDS_TO_SEE_A_MAIL = 5.0
SETTINGS = f"""microblog.url = https://blog.example.org
microblog.mail = smtp
microblog.mail.sender = microblog@example.org
microblog.mail.smtp.host = 127.0.0.1
microblog.mail.smtp.tls = none
microblog.mail.smtp.timeout = {TIMEOUT_SECONDS}
"""


class MailServer:
    """The process of the server; `taken` has what it took, also before it was killed."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.port = free_port()
        self.file = folder / "taken.jsonl"
        self.file.touch()
        self.seed = seed
        self.starts = 0
        self.doubtful: set[str] = set()  # taken, and perhaps not said so
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.starts += 1
        words = ("benchmarks.mail_server", str(self.port), str(self.file), str(self.seed + self.starts))
        self.process = subprocess.Popen(
            [sys.executable, "-m", *words],
            stdout=subprocess.PIPE,
            start_new_session=True,
            cwd=Path(__file__).parents[1],
        )
        assert self.process.stdout is not None
        if b"runs" not in self.process.stdout.readline():
            raise RuntimeError("The mail server did not start.")

    def kill(self, connections: int) -> None:
        if self.process is None:
            return
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process = None
        self.doubtful |= {mail["id"] for mail in self.taken()[-connections:]}

    def taken(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.file.read_text().splitlines()]


class Run:
    """One run: `faults` is empty when all went as it should."""

    def __init__(self, arguments: argparse.Namespace, folder: Path, url: str, stack: ExitStack) -> None:
        self.arguments = arguments
        self.random = random.Random(arguments.seed)
        self.stack = stack
        self.faults: list[str] = []
        self.kills: Counter[str] = Counter()
        self.server = MailServer(folder, arguments.seed)
        more = f"{SETTINGS}microblog.mail.smtp.port = {self.server.port}\n"
        self.ini = write_ini(folder, url, "none", more=more)
        logs = [folder / f"worker{number}.log" for number in range(arguments.workers)]
        self.workers = [Worker(self.ini, log) for log in logs]

    def prepare(self) -> None:
        """A site with people, a server and workers."""
        subprocess.run(command(self.ini, "database", "upgrade"), check=True, capture_output=True)
        self.site = Site(str(self.ini))
        self.site.setup_logging()
        self.stack.callback(self.site.close)
        with self.site.database.write() as session:
            addresses = [GONE, *(f"reader{number}@example.org" for number in range(1, READERS))]
            self.readers = {
                add_user(session, f"reader{number}", email=email): email
                for number, email in enumerate(addresses)
            }
            self.followers = [
                add_user(session, f"follower{number}")
                for number in range(-(-self.arguments.follows // READERS))
            ]
        self.stack.callback(self.server.kill, 0)
        self.server.start()
        for worker in self.workers:
            self.stack.callback(worker.end, signal.SIGKILL)
            worker.start()
        for worker in self.workers:
            worker.wait()

    def storm(self) -> None:
        """People follow each other; at some places something is killed."""
        follows = self.arguments.follows
        pairs = [(follower, reader) for follower in self.followers for reader in self.readers][:follows]
        self.random.shuffle(pairs)
        kills = ["worker"] * self.arguments.kills + ["server"] * max(self.arguments.kills // 4, 1) + ["away"]
        self.random.shuffle(kills)
        places = self.random.sample(range(follows // 20, follows), len(kills))
        events = dict(zip(places, kills, strict=True))
        for number, (follower, reader) in enumerate(pairs):
            with self.site.database.write() as session:
                follow(session, follower, reader)
            if number in events:
                say(f"  {number:,} follows: {events[number]}")
                getattr(self, f"kill_{events[number]}")()

    def kill_worker(self) -> None:
        worker = self.random.choice(self.workers)
        if self.kills["worker"] % 2 == 0:
            self.wait_for_a_mail()
        else:
            time.sleep(self.random.uniform(0, 0.3))
        worker.end(signal.SIGKILL)
        self.kills["worker"] += 1
        self.hurry()
        worker.start()
        worker.wait()

    def wait_for_a_mail(self) -> None:
        """Until the server has taken one more."""
        before, until = self.server.file.stat().st_size, time.monotonic() + SECONDS_TO_SEE_A_MAIL
        while self.server.file.stat().st_size == before and time.monotonic() < until:
            time.sleep(0.0005)

    def kill_server(self) -> None:
        self.server.kill(len(self.workers))
        self.kills["server"] += 1
        self.server.start()

    def kill_away(self) -> None:
        self.server.kill(len(self.workers))
        time.sleep(self.arguments.away)
        self.server.start()

    def hurry(self) -> None:
        """As if all leases and waits were over; only while no worker runs."""
        if self.arguments.hurry:
            with self.site.database.write() as session:
                session.execute(sa.update(Entry).values(next_at=0, not_before=0, lease_until=0))
                session.execute(sa.delete(Pause))

    def calm(self) -> float:
        """Seconds until nothing waits."""
        began = time.monotonic()
        waiting = sa.select(sa.func.count()).where(Mail.state == WAITING)
        while time.monotonic() - began < SECONDS_TO_CALM:
            with self.site.database.read() as session:
                if not session.scalar(waiting):
                    return time.monotonic() - began
            time.sleep(0.2)
        self.faults.append(f"After {SECONDS_TO_CALM} s mails still wait.")
        return time.monotonic() - began

    def compare(self) -> Counter[str]:
        """What became of the mails; every difference is a fault."""
        arrived: dict[str, list[str]] = {}
        for taken in self.server.taken():
            arrived.setdefault(taken["id"], []).extend(taken["to"])
        with self.site.database.read() as session:
            mails = session.execute(sa.select(*Mail.__table__.c)).all()
        found: Counter[str] = Counter({"mails": len(mails)})
        if len(mails) != self.arguments.follows:
            self.faults.append(f"{self.arguments.follows:,} follows, but {len(mails):,} mails.")
        for mail in mails:
            to = arrived.pop(mail.message_id, [])
            should = REFUSED if mail.address == GONE else SENT
            if mail.state != should or mail.address != self.readers[mail.user_id]:
                self.faults.append(f"Mail {mail.id} to {mail.address} is {mail.state}: {mail.answer}")
            if set(to) != ({mail.address} if should == SENT else set()):
                self.faults.append(f"Mail {mail.id} to {mail.address} arrived at: {to}.")
            found[mail.state] += 1
            found["perhaps twice, as it says"] += mail.is_perhaps_twice
            if len(to) > 1:
                is_told = mail.is_perhaps_twice or mail.message_id in self.server.doubtful
                found["twice, since its worker died" if mail.is_perhaps_twice else "twice otherwise"] += 1
                if not is_told:
                    self.faults.append(f"Mail {mail.id} arrived {len(to)} times, and does not say so.")
        if arrived:
            self.faults.append(f"{len(arrived)} mails arrived that nobody wrote.")
        return found

    def end_workers(self) -> None:
        for worker in self.workers:
            status = worker.end(signal.SIGTERM)
            if status:
                self.faults.append(f"A worker ended with status {status}.")
            log = worker.log.read_text()
            if "Traceback" in log:
                self.faults.append(f"A worker's log: {log[-3000:]}")


def run(arguments: argparse.Namespace, folder: Path, url: str, stack: ExitStack) -> int:
    made = Run(arguments, folder, url, stack)
    made.prepare()
    began = time.monotonic()
    made.storm()
    seconds = time.monotonic() - began
    calm = made.calm()
    made.end_workers()
    found = made.compare()
    print(f"{made.site.database.dialect}, seed {arguments.seed}")
    print(f"{arguments.follows:,} follows in {seconds:.0f} s")
    print("killed: " + ", ".join(f"{name}: {count}" for name, count in sorted(made.kills.items())))
    print(f"calm after {calm:.1f} s")
    print(", ".join(f"{name}: {count:,}" for name, count in found.items()))
    for fault in made.faults:
        print(f"FAULT: {fault}")
    return 1 if made.faults else 0


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.mails", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--follows", type=int, default=1000, metavar="N")
    parser.add_argument("--kills", type=int, default=20, metavar="N", help="of workers")
    parser.add_argument("--workers", type=int, default=2, metavar="N")
    parser.add_argument("--away", type=float, default=20, metavar="SECONDS", help="the server")
    parser.add_argument(
        "--hurry", action="store_true", help="end all waits when the worker is killed, of which there is one"
    )
    parser.add_argument(
        "--database", metavar="URL", help="a PostgreSQL server, instead of SQLite; a database is made there"
    )
    parser.add_argument("--keep", action="store_true", help="leave the folder of the site where it is")
    return parser


def main() -> int:
    arguments = make_parser().parse_args()
    if arguments.hurry and arguments.workers != 1:
        print("--hurry is for --workers 1: another one would still be sending.", file=sys.stderr)
        return 1
    server_url = arguments.database or os.environ.get(SERVER_VARIABLE)
    return run_in_folder(arguments, "microblog-mails-", server_url, run)


if __name__ == "__main__":
    sys.exit(main())
