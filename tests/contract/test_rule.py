"""An index keeps the version of the rule by which it was made: what a word is, and its normal form."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from microblog.posts.queries import delete_post
from microblog.search.interfaces import Drift, OldIndex
from microblog.search.models import IndexState
from tests.contract.rebuilds import rebuild, status


def make_old(site: Any, rule: str | None = None) -> None:
    """As if another version had made it; the one that kept no rule, by default."""
    with site.database.write() as session:
        session.execute(sa.update(IndexState).values(rule=rule))


def test_an_index_is_made_by_the_rule_of_this_version(site):
    assert not status(site).is_old
    rebuild(site)
    assert not status(site).is_old


@pytest.mark.parametrize("rule", [None, "1", "2 icu1"])
def test_an_index_of_another_rule_asks_for_a_rebuild_and_no_post_is_called_stale(site, rule):
    site.write("one apple")
    site.settle()
    make_old(site, rule)
    assert status(site).is_old
    with pytest.raises(OldIndex, match="microblog search rebuild"):
        site.index.verify(site.database)
    assert status(site).verified is None or status(site).verified.agreed
    rebuild(site)
    assert not status(site).is_old
    assert site.index.verify(site.database) == Drift()


def test_an_index_without_a_record_is_old(site):
    with site.database.write() as session:
        session.execute(sa.delete(IndexState))
    assert status(site).is_old


def test_an_old_index_answers_and_goes_on_with_new_posts(site):
    kept, gone = site.write("one apple"), site.write("two apples")
    make_old(site)
    with site.database.write() as session:
        delete_post(session, gone)
    new = site.write("Äpfel and apples of Łódź")
    assert site.find("apple") == [kept]
    assert site.find("apples") == [new]
    assert site.find("lodz") == [new]
    assert status(site).is_old


def test_an_index_that_is_made_again_from_nothing_is_not_old(site):
    make_old(site)
    with site.database.write() as session:
        site.index.uninstall(session)
        site.index.install(session)
    rebuild(site)
    assert not status(site).is_old
