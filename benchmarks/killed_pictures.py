"""`python -m benchmarks.killed_pictures [--rounds 50] [--database URL]`: a process that stores pictures and
writes posts with them, and one that deletes them again, are killed (SIGKILL) at any point, and started again.

Afterwards `microblog media collect` must leave no file without a row, and `microblog media check` must find
no row without its file. Without the URL of an empty PostgreSQL database it is a file of SQLite.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.servers import command, write_ini
from microblog.accounts.queries import add_user
from microblog.console.site import Site
from microblog.media import actions
from microblog.media.collecting import delete_leftovers
from microblog.media.plans import POST
from microblog.media.storage.interfaces import get_storage
from microblog.posts.actions import delete, write
from tests.pictures import show, store_files

ROOT = Path(__file__).parents[1]
ROUNDS = 50
SHORTEST, LONGEST = 0.01, 0.25  # seconds until it is killed
QUOTA = 10**12
STARTED = "started"


def work(ini: str, user_id: int) -> None:
    """Store, write, delete, until it is killed."""
    site = Site(ini)
    storage, database = get_storage(site.registry), site.database
    posts: list[int] = []
    print(STARTED, flush=True)
    while True:
        stored = store_files(storage, os.urandom(20_000), os.urandom(2_000))
        with database.write() as session:
            actions.keep(session, user_id, POST, [stored], quota=QUOTA)
        with database.write() as session:
            posts.append(write(session, user_id, "Look", pictures=show(stored.name)))
        if len(posts) > 2:
            with database.write() as session:
                delete(session, posts.pop(0), user_id)
            delete_leftovers(site.registry)


def run_rounds(ini: Path, user_id: int, rounds: int, chance: random.Random) -> None:
    """Two processes at once, each killed at some point, so many times."""
    words = [sys.executable, "-m", "benchmarks.killed_pictures", "--work", str(ini), str(user_id)]
    for _ in range(rounds):
        processes = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(2)]
        for process in processes:
            assert process.stdout is not None
            if process.stdout.readline().strip() != STARTED:
                raise RuntimeError("It did not start.")
        for process in processes:
            time.sleep(chance.uniform(SHORTEST, LONGEST))
            process.kill()
            process.communicate()


def collect_and_check(ini: Path) -> int:
    """What the commands say; 0 when nothing is left over and nothing is missing."""
    status = 0
    for words in (
        ["media", "collect", "--older-than", "0", "--all"],
        ["media", "check"],
        ["media", "status"],
    ):
        done = subprocess.run(command(ini, *words), capture_output=True, text=True, check=False)
        print(done.stdout, done.stderr, sep="", end="")
        status = status or done.returncode
    return status


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database")
    parser.add_argument("--work", nargs=2)
    arguments = parser.parse_args()
    if arguments.work:
        work(arguments.work[0], int(arguments.work[1]))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = arguments.database or f"sqlite+pysqlite:///{folder}/site.sqlite3"
        ini = write_ini(folder, url, "none", None)
        os.environ["MICROBLOG_MEDIA_FOLDER"] = str(folder / "media")
        subprocess.run(command(ini, "database", "upgrade"), check=True, stdout=subprocess.DEVNULL)
        with contextlib.closing(Site(str(ini))) as site, site.database.write() as session:
            user_id = add_user(session, "susan")
        run_rounds(ini, user_id, arguments.rounds, random.Random(arguments.seed))
        return collect_and_check(ini)


if __name__ == "__main__":
    sys.exit(main())
