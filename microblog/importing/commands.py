"""`microblog import FILE.jsonl`: load posts from another site."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import click

from microblog.console.progress import Progress
from microblog.console.site import Site, pass_site
from microblog.errors import OperatorError
from microblog.importing.importer import Importer, compute_digest
from microblog.importing.queries import ImportedElsewhere, get_progress
from microblog.importing.queries import Progress as Done
from microblog.posts.forms import MAX_LENGTH
from microblog.posts.languages import get_detector

STDIN = "-"


@click.command("import")
@click.argument("name", metavar="FILE.jsonl")
@click.option(
    "--again", is_flag=True, help="Begin with the first line, even if the file was imported before."
)
@pass_site
def import_posts(site: Site, *, name: str, again: bool) -> None:
    """Load posts from FILE.jsonl, or from standard input (-).

    Each line is a JSON object with author, body, created (ISO 8601; UTC where it names no zone) and
    optionally language. Authors without an account get one, without a password. Posts that were loaded
    before are skipped, so an interrupted or corrected file can simply be imported again. Posts with the
    same timestamp keep the order of their lines.
    """
    database = site.require_database()
    with ExitStack() as stack:
        file = stack.enter_context(open_input(name))
        size = os.fstat(file.fileno()).st_size
        digest = compute_digest_with_progress(file, size)
        with database.read() as session:
            done = None if again else get_progress(session, digest)
        if done is None or done.finished is None:
            done = load(site, file, size, digest, name, done)
        else:
            click.echo(f"{name} was imported on {done.finished:%Y-%m-%d}: nothing to do.")
    if done.refused:
        again_command = site.command(f"import --again {shlex.quote(name)}")
        raise OperatorError(
            f"{done.refused:,} of {done.lines:,} lines were not loaded: correct them and import the file "
            f"again (`{again_command}` lists them again)."
        )


def open_input(name: str) -> BinaryIO:
    """Open a file that can be read twice; standard input is copied to a temporary one."""
    try:
        if name != STDIN:
            return Path(name).open("rb")
        file = tempfile.TemporaryFile()  # noqa: SIM115  # the caller's
        shutil.copyfileobj(sys.stdin.buffer, file)
        file.seek(0)
        return file
    except OSError as error:
        raise OperatorError(f"{name} cannot be read ({error.strerror}).") from error


def compute_digest_with_progress(file: BinaryIO, size: int) -> str:
    progress = Progress(size, "bytes read")
    digest = compute_digest(file, progress.advance)
    progress.finish()
    return digest


def load(site: Site, file: BinaryIO, size: int, digest: str, name: str, done: Done | None) -> Done:
    before = Done() if done is None else Done(done.lines, done.position, done.posts, done.present)
    if before.lines:
        click.echo(f"Resuming after line {before.lines:,} of {name}, where the import was interrupted.")
    progress = Progress(size, "lines", start=before.position)
    importer = Importer(
        site.database,
        max_length=site.registry.microblog[MAX_LENGTH],
        detect_language=get_detector(site.registry),
        on_bad_line=lambda number, sentence: progress.say(f"Line {number:,}: {sentence}"),
    )
    now = before
    try:
        for now in importer.run(file, digest, name, done):
            progress.update(now.position, now.lines - before.lines)
    except ImportedElsewhere:
        raise OperatorError(
            f"{name} is being imported by another process right now: wait until that has ended, and "
            "run this again. Nothing is lost or doubled."
        ) from None
    finally:
        progress.finish()
    click.echo(
        f"Loaded {now.posts - before.posts:,} posts; {now.present - before.present:,} were here already."
    )
    for author, nickname in importer.renamed.items():
        click.echo(f"“{author}” cannot be a nickname: their posts are by {nickname}.")
    return now
