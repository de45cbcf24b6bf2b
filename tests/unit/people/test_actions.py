"""What people can do to each other, where the pages were too late to refuse it."""

from __future__ import annotations

import pytest

from microblog.accounts.queries import add_user
from microblog.db import StaleData
from microblog.people.actions import block, follow, mute
from microblog.people.rules import BlocksOneself, FollowsOneself, MutesOneself
from microblog.posts.actions import write
from microblog.reactions.actions import like


@pytest.fixture
def people(session):
    return add_user(session, "susan"), add_user(session, "john")


@pytest.mark.parametrize(
    ("act", "error"), [(follow, FollowsOneself), (block, BlocksOneself), (mute, MutesOneself)]
)
def test_nobody_does_it_to_themselves(session, people, act, error):
    with pytest.raises(error):
        act(session, people[0], people[0])


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_after_a_block_neither_follows_answers_or_likes_the_other(session, people, order):
    post = write(session, people[1], "Hello")
    block(session, people[order[0]], people[order[1]])
    for act in (
        lambda: follow(session, people[0], people[1]),
        lambda: write(session, people[0], "Hello, too", reply_to=post),
        lambda: like(session, people[0], post),
    ):
        with pytest.raises(StaleData):
            act()
