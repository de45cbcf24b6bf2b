"""`microblog posts`: what operators do with the posts that are there."""

from __future__ import annotations

from collections.abc import Callable

import click

from microblog.console.progress import Progress
from microblog.console.site import Site, pass_site
from microblog.db import Database
from microblog.posts.actions import set_detected_languages
from microblog.posts.detection import detect_language
from microblog.posts.queries import count_posts_without_language, list_bodies_without_language

# Search indexes what a transaction has changed before it ends, and others wait for it.
POSTS_IN_A_TRANSACTION = 200


@click.group()
def posts() -> None:
    """Bring the posts that are there up to date."""


@posts.command()
@pass_site
def detect_languages(site: Site) -> None:
    """Detect the languages of posts that have none.

    Of the versions before, or of times when detection was switched off. Posts whose language is not certain
    stay without one, and languages that somebody has chosen stay as they are. It may be interrupted, and goes
    on when it is called again.
    """
    database = site.require_database()
    with database.read() as session:
        total = count_posts_without_language(session)
    progress = Progress(total, "posts")
    found = detect_missing_languages(database, progress.advance)
    progress.finish()
    click.echo(
        f"The languages of {found:,} posts were detected; of {progress.done - found:,} they stay unknown."
    )


def detect_missing_languages(
    database: Database, report: Callable[[int], None], *, size: int = POSTS_IN_A_TRANSACTION
) -> int:
    """Detect the languages of all posts that have none; `report(posts)` is called after each transaction.

    Texts are read and looked at outside of the transactions that write. Returns the number of posts that have
    a language now.
    """
    found = last = 0
    while True:
        with database.read() as session:
            texts = list_bodies_without_language(session, last, size)
        if not texts:
            return found
        detected = {post_id: language for post_id, body in texts if (language := detect_language(body))}
        if detected:
            with database.write() as session:
                found += set_detected_languages(session, detected)
        last = texts[-1][0]
        report(len(texts))
