"""A rebuild: the old index serves meanwhile, changes go to both, and nothing is left behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from microblog.posts.models import Post
from microblog.posts.queries import delete_post
from microblog.search.elasticsearch import adapter as elasticsearch
from microblog.search.embedded import rebuilding, side_table
from microblog.search.interfaces import NotBuilt, SearchUnavailable
from microblog.search.language import parse
from tests.contract.conftest import FIRST_PAGE

POSTS = 9


class CtrlC(BaseException):
    """Ends a rebuild in the middle."""


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(rebuilding, "POSTS_AT_ONCE", 2)
    monkeypatch.setattr(rebuilding, "BATCHES_UNTIL_TIDYING", 2)
    monkeypatch.setattr(rebuilding, "SECONDS_BETWEEN_ATTEMPTS", 0)
    monkeypatch.setattr(side_table, "BATCH", 4)
    monkeypatch.setattr(elasticsearch, "BATCH", 2)


@pytest.fixture
def posts(site: Any) -> list[int]:
    """Old posts, in the index; the newest first."""
    ids = [site.write(f"old post {number}") for number in range(POSTS)]
    assert site.find("old") == ids[::-1]
    return ids[::-1]


def rebuild(site: Any, progress: Callable[[int], None] = lambda count: None) -> int:
    return int(site.search.rebuild(site.database, progress))


def remains(site: Any) -> set[str]:
    """Tables and triggers of an index that does not serve, or did."""
    with site.database.read() as session:
        names = {
            "sqlite": "SELECT name FROM sqlite_master",
            "postgresql": "SELECT relname FROM pg_class UNION SELECT tgname FROM pg_trigger",
        }[site.database.dialect]
        return {
            name
            for name in session.scalars(sa.text(names))
            if name.startswith("search_") and ("_next" in name or "_old" in name)
        }


def status(site: Any) -> Any:
    with site.database.read() as session:
        return site.search.status(session)


def interrupted_after(batches: int) -> Callable[[int], None]:
    left = iter(range(batches))

    def progress(count: int) -> None:
        if next(left, None) is None:
            raise CtrlC

    return progress


@pytest.fixture
def killed(inside: None, site: Any, posts: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """A rebuild was killed when half of the posts were in."""
    with monkeypatch.context() as patch:
        patch.setattr(rebuilding.Rebuild, "_give_up", lambda self: None)
        with pytest.raises(CtrlC):
            rebuild(site, interrupted_after(2))
    assert remains(site)


def test_what_is_written_during_a_rebuild_is_right_afterwards(site, posts):
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
    assert len(written) > 2
    assert site.find("old") == [*written[::-1], *posts]
    assert site.find("changed") == [posts[0], posts[-1]]
    while site.search.catch_up(site.database, 10):
        pass
    assert site.find("young") == [1]
    assert not site.search.verify(site.database)
    assert remains(site) == set()
    assert status(site).rebuilding is None
    # The new index goes on as the old one did.
    with site.database.write() as session:
        delete_post(session, written.pop())
    assert site.find("old") == [*written[::-1], *posts]
    rebuild(site)
    assert site.find("old") == [*written[::-1], *posts]


@pytest.mark.parametrize("batches", [0, 3])
def test_an_interrupted_rebuild_leaves_the_old_index_and_nothing_else(site, posts, batches):
    with pytest.raises(CtrlC):
        rebuild(site, interrupted_after(batches))
    assert remains(site) == set()
    assert status(site).rebuilding is None
    other = site.write("old friend")
    assert site.find("old") == [other, *posts]
    assert rebuild(site) == POSTS + 1
    assert site.find("old") == [other, *posts]


def test_what_a_killed_rebuild_has_left_goes_with_the_next(site, posts, killed):
    assert status(site).rebuilding.posts == 6
    other = site.write("old friend")
    assert site.find("old") == [other, *posts]
    assert rebuild(site) == POSTS + 1
    assert remains(site) == set()
    assert not site.search.verify(site.database)


@pytest.mark.parametrize("deed", ["install", "uninstall"])
def test_what_a_killed_rebuild_has_left_goes_when_it_is_installed_or_uninstalled(site, posts, killed, deed):
    with site.database.write() as session:
        getattr(site.search, deed)(session)
    assert remains(site) == set()
    if deed == "install":
        assert status(site).rebuilding is None
        assert site.find("old") == posts


def test_a_second_rebuild_ends_the_first(inside, site, posts):
    counts: list[int] = []

    def meanwhile(count: int) -> None:
        if not counts:
            counts.append(0)
            counts.append(rebuild(site))

    with pytest.raises(SearchUnavailable, match="Another rebuild has begun"):
        rebuild(site, meanwhile)
    assert counts == [0, POSTS]
    assert remains(site) == set()
    assert site.find("old") == posts
    assert not site.search.verify(site.database)


def test_a_second_rebuild_ends_the_first_while_it_compares(inside, site, posts, monkeypatch):
    differences = type(site.search).differences
    counts: list[int] = []

    def after_another(self: Any, database: Any, **more: Any) -> Any:
        if not counts:
            counts.append(0)
            counts.append(rebuild(site))
        return differences(self, database, **more)

    monkeypatch.setattr(type(site.search), "differences", after_another)
    with pytest.raises(SearchUnavailable, match="Another rebuild has begun"):
        rebuild(site)
    assert counts == [0, POSTS]
    assert remains(site) == set()
    assert site.find("old") == posts


def test_a_rebuild_makes_an_index_where_there_is_none(site, posts):
    with site.database.write() as session:
        site.search.uninstall(session)
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
    assert not site.search.verify(site.database)


def test_an_index_that_does_not_agree_does_not_take_over(inside, site, posts, monkeypatch):
    monkeypatch.setattr(type(site.search), "digest", lambda self, body: f"{len(str(id(object())))}{body}")
    monkeypatch.setattr(type(site.search), "keep", lambda self, session, posts: None)
    with pytest.raises(SearchUnavailable, match="does not agree"):
        rebuild(site)
    monkeypatch.undo()
    assert remains(site) == set()
    assert site.find("old") == posts


def test_a_post_that_cannot_be_indexed_stops_no_rebuild(inside, site, posts, monkeypatch, caplog):
    keep = type(site.search).keep

    def picky(self: Any, session: Any, posts: Any) -> None:
        if any(post["body"].endswith(" 4") for post in posts):
            session.execute(sa.text("INSERT INTO no_such_table VALUES (1)"))
        keep(self, session, posts)

    monkeypatch.setattr(type(site.search), "keep", picky)
    rebuild(site)
    assert status(site).set_aside == 1
    assert "cannot be indexed, and is set aside." in caplog.text
    caplog.clear()
    refused = posts[POSTS - 1 - 4]
    assert site.find("old") == [post for post in posts if post != refused]
    assert site.search.verify(site.database).missing == (refused,)


def test_status_tells_what_the_last_verify_found(site, posts):
    assert not site.search.verify(site.database)
    assert status(site).verified.agreed
    with site.database.write() as session:
        if isinstance(site.search, side_table.SideTableSearch):
            session.execute(sa.text(f"DELETE FROM {site.search.texts} WHERE post_id = {posts[0]}"))
        else:
            session.execute(sa.text(f"UPDATE posts SET body = 'other' WHERE id = {posts[0]}"))
            session.execute(sa.text("DELETE FROM outbox"))
    found = site.search.verify(site.database)
    verified = status(site).verified
    assert (verified.missing, verified.stale, verified.ghosts) == (len(found.missing), len(found.stale), 0)
    assert not verified.agreed
    rebuild(site)
    assert status(site).verified.agreed, "a rebuild compares, too"


def test_what_waits_for_the_worker_is_no_difference(site, posts):
    with site.database.engine.begin() as connection:
        shell = sa.insert(Post).values(id=1, user_id=site.people["john"], body="young")
        connection.execute(shell)
    assert not site.search.verify(site.database)
