"""A rebuild of an index inside the database, which is made of tables that are known."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from microblog.search.interfaces import SearchUnavailable
from tests.contract.conftest import OF_THE_DATABASE, Site
from tests.contract.rebuilds import POSTS, CtrlC, interrupted_after, rebuild, remains, status
from tests.functional.search.conftest import derive


@pytest.fixture
def site(make_application: Any) -> Site:
    return Site(make_application({"microblog.search": OF_THE_DATABASE}), lambda: None)


@pytest.fixture
def posts(site: Any) -> list[int]:
    """Old posts, in the index; the newest first."""
    ids = [site.write(f"old post {number}") for number in range(POSTS)]
    assert site.find("old") == ids[::-1]
    return ids[::-1]


@pytest.fixture
def killed(site: Any, posts: list[int]) -> None:
    """A rebuild was killed when half of the posts were in: it could not even tidy up."""
    with_suffix = type(site.search).with_suffix
    is_killed: list[bool] = []

    def be_killed(self: Any, suffix: str) -> Any:
        if is_killed:
            raise CtrlC
        return with_suffix(self, suffix)

    interrupt = interrupted_after(2)

    def progress(count: int) -> None:
        try:
            interrupt(count)
        except CtrlC:
            is_killed.append(True)
            raise

    with pytest.raises(CtrlC):
        derive(site.search, with_suffix=be_killed).rebuild(site.database, progress)
    assert remains(site)


def test_the_next_rebuild_removes_what_a_killed_one_left_behind(site, posts, killed):
    assert status(site).rebuilding.posts == 6
    other = site.write("old friend")
    assert site.find("old") == [other, *posts]
    assert rebuild(site) == POSTS + 1
    assert remains(site) == set()
    assert not site.index.verify(site.database)


@pytest.mark.parametrize("deed", ["install", "uninstall"])
def test_installing_and_uninstalling_remove_what_a_killed_rebuild_left_behind(site, posts, killed, deed):
    with site.database.write() as session:
        getattr(site.index, deed)(session)
    assert remains(site) == set()
    if deed == "install":
        assert status(site).rebuilding is None
        assert site.find("old") == posts


def test_a_second_rebuild_ends_the_first(site, posts):
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
    assert not site.index.verify(site.database)


def test_a_second_rebuild_ends_the_first_while_it_compares(site, posts):
    find_differences = type(site.search).find_differences
    counts: list[int] = []

    def after_another(self: Any, database: Any, **more: Any) -> Any:
        if not counts:
            counts.append(0)
            counts.append(rebuild(site))
        return find_differences(self, database, **more)

    with pytest.raises(SearchUnavailable, match="Another rebuild has begun"):
        derive(site.search, find_differences=after_another).rebuild(site.database, lambda count: None)
    assert counts == [0, POSTS]
    assert remains(site) == set()
    assert site.find("old") == posts


def test_an_index_that_does_not_agree_does_not_take_over(site, posts):
    forgetful = derive(site.search, keep=lambda self, session, posts: None)
    with pytest.raises(SearchUnavailable, match="does not agree"):
        forgetful.rebuild(site.database, lambda count: None)
    assert remains(site) == set()
    assert site.find("old") == posts


def test_a_post_that_cannot_be_indexed_stops_no_rebuild(site, posts, caplog):
    keep = type(site.search).keep

    def picky(self: Any, session: Any, posts: Any) -> None:
        if any(post["body"].endswith(" 4") for post in posts):
            session.execute(sa.text("INSERT INTO no_such_table VALUES (1)"))
        keep(self, session, posts)

    derive(site.search, keep=picky).rebuild(site.database, lambda count: None)
    assert status(site).refused == 1
    assert "cannot be indexed, and is left out." in caplog.text
    caplog.clear()
    refused = posts[POSTS - 1 - 4]
    assert site.find("old") == [post for post in posts if post != refused]
    assert site.index.verify(site.database).missing == (refused,)


def test_the_status_shows_what_the_last_verify_found(site, posts):
    assert not site.index.verify(site.database)
    assert status(site).verified.agreed
    with site.database.write() as session:
        session.execute(sa.text(f"DELETE FROM {site.search.texts} WHERE post_id = {posts[0]}"))
    found = site.index.verify(site.database)
    verified = status(site).verified
    assert found.missing == (posts[0],)
    assert (verified.missing, verified.stale, verified.ghosts) == (1, 0, 0)
    assert not verified.agreed
    rebuild(site)
    assert status(site).verified.agreed, "a rebuild compares, too"


def test_a_rebuild_that_is_interrupted_in_the_middle_leaves_nothing(site, posts):
    with pytest.raises(CtrlC):
        rebuild(site, interrupted_after(3))
    assert remains(site) == set()
    assert site.find("old") == posts
