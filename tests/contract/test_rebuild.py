"""A rebuild: the old index serves meanwhile, changes go to both, and nothing is left behind."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from microblog.posts.models import Post
from microblog.posts.queries import delete_post
from microblog.search.interfaces import NotBuilt
from microblog.search.language import parse
from tests.contract.conftest import FIRST_PAGE
from tests.contract.rebuilds import POSTS, CtrlC, interrupted_after, rebuild, remains, status


@pytest.fixture
def posts(site: Any) -> list[int]:
    """Old posts, in the index; the newest first."""
    ids = [site.write(f"old post {number}") for number in range(POSTS)]
    assert site.find("old") == ids[::-1]
    return ids[::-1]


def test_posts_written_during_a_rebuild_are_right_afterwards(site, posts):
    written: list[int] = []

    def change(post: int, body: str) -> None:
        with site.database.write() as session:
            session.execute(sa.update(Post).where(Post.id == post).values(body=body))

    def meanwhile(count: int) -> None:
        expected = [*written[::-1], *posts]
        assert site.find("old") == expected, "all are found, also those that were just written"
        assert status(site).rebuilding.is_alive
        if not written:
            with site.database.write() as session:
                delete_post(session, posts.pop(0))
                delete_post(session, posts.pop())
            change(posts[-1], "changed, but old")
            change(posts[0], "changed old, too")
            with site.database.engine.begin() as connection:  # from a shell
                shell = sa.insert(Post).values(id=1, user_id=site.people["john"], body="young, by hand")
                connection.execute(shell)
        written.append(site.write("old only in years"))

    assert rebuild(site, meanwhile) >= POSTS - 2
    assert written
    assert site.find("old") == [*written[::-1], *posts]
    assert site.find("changed") == [posts[0], posts[-1]]
    while site.catch_up():
        pass
    assert site.find("young") == [1]
    assert not site.index.verify(site.database)
    assert remains(site) == set()
    assert status(site).rebuilding is None
    # The new index goes on as the old one did.
    with site.database.write() as session:
        delete_post(session, written.pop())
    assert site.find("old") == [*written[::-1], *posts]
    rebuild(site)
    assert site.find("old") == [*written[::-1], *posts]


def test_an_interrupted_rebuild_leaves_the_old_index_and_nothing_else(site, posts):
    with pytest.raises(CtrlC):
        rebuild(site, interrupted_after(0))
    assert remains(site) == set()
    assert status(site).rebuilding is None
    other = site.write("old friend")
    assert site.find("old") == [other, *posts]
    assert rebuild(site) == POSTS + 1
    assert site.find("old") == [other, *posts]


def test_a_rebuild_makes_an_index_where_there_is_none(site, posts):
    with site.database.write() as session:
        site.index.uninstall(session)
    seen: list[bool] = []

    def meanwhile(count: int) -> None:
        with site.database.read() as session, pytest.raises(NotBuilt):
            site.search.search(session, parse("old"), FIRST_PAGE, 1)
        seen.append(True)
        if len(seen) == 1:
            posts.insert(0, site.write("old friend"))

    assert rebuild(site, meanwhile) >= POSTS
    assert seen
    assert site.find("old") == posts
    posts.insert(0, site.write("old friend, after"))
    assert site.find("old") == posts
    assert not site.index.verify(site.database)


def test_posts_that_wait_for_the_worker_are_no_difference(site, posts):
    with site.database.engine.begin() as connection:
        shell = sa.insert(Post).values(id=1, user_id=site.people["john"], body="young")
        connection.execute(shell)
    assert not site.index.verify(site.database)


def test_status_says_when_the_index_was_last_compared(site, posts):
    assert status(site).verified is None or status(site).verified.agreed
    assert not site.index.verify(site.database)
    assert status(site).verified.agreed
    rebuild(site)
    assert status(site).verified.agreed, "a rebuild compares, too"
