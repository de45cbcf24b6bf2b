"""The counts of follows, which triggers keep for any statement, and avatars."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from microblog.accounts.models import User
from microblog.accounts.queries import add_user
from microblog.db import StaleData
from microblog.ids import new_id
from microblog.people.actions import follow, unfollow
from microblog.people.avatars import draw_identicon, make_avatar_key
from microblog.people.models import Follow
from microblog.people.queries import add_relation, get_person


@pytest.fixture
def people(session):
    return [add_user(session, nickname) for nickname in ("susan", "john", "grace")]


def counts(session, nickname):
    """(followers, following)"""
    person = get_person(session, nickname)
    assert person is not None
    return person.followers_count, person.following_count


def test_a_follow_counts_for_both(session, people):
    susan, john, _ = people
    follow(session, susan, john)
    assert session.get(Follow, (susan, john))
    assert not session.get(Follow, (john, susan))
    assert (counts(session, "susan"), counts(session, "john")) == ((0, 1), (1, 0))


def test_following_and_unfollowing_twice_counts_once(session, people):
    susan, john, _ = people
    for _ in range(2):
        follow(session, susan, john)
    assert counts(session, "john") == (1, 0)
    for _ in range(2):
        unfollow(session, susan, john)
    assert counts(session, "john") == (0, 0)


def test_many_follows_at_once_are_counted(session, people):
    susan, john, grace = people
    pairs = [(susan, john), (susan, grace), (john, grace)]
    session.execute(
        sa.insert(Follow), [{"follower_id": a, "followee_id": b, "since": new_id()} for a, b in pairs]
    )
    assert [counts(session, name) for name in ("susan", "john", "grace")] == [(0, 2), (1, 1), (2, 0)]
    session.execute(sa.delete(Follow).where(Follow.follower_id == susan))
    assert [counts(session, name) for name in ("susan", "john", "grace")] == [(0, 0), (0, 1), (1, 0)]


def test_the_follows_of_a_person_who_goes_are_taken_off(session, people):
    susan, john, grace = people
    follow(session, susan, john)
    follow(session, john, grace)
    follow(session, grace, susan)
    session.execute(sa.delete(User).where(User.id == john))
    assert [counts(session, name) for name in ("susan", "grace")] == [(1, 0), (0, 1)]


def test_the_database_lets_nobody_follow_themselves(session, people):
    with pytest.raises(sa.exc.IntegrityError):
        add_relation(session, Follow, people[0], people[0])


@given(st.text(alphabet="0123456789abcdef", min_size=16, max_size=16))
def test_every_picture_is_an_svg_that_mirrors_itself(key):
    picture = draw_identicon(key)
    assert draw_identicon(key) == picture
    svg = ElementTree.fromstring(picture)
    assert [element.tag.rpartition("}")[2] for element in svg.iter()] == ["svg", "style", "rect", "path"]
    cells = {tuple(cell.split("h")[0].split()) for cell in svg[2].attrib["d"].split("M") if cell}
    assert {(str(108 - int(x)), y) for x, y in cells} == {(str(int(x)), y) for x, y in cells}


def test_a_picture_has_other_colours_on_dark_pages():
    light, dark = draw_identicon("0" * 16).split("@media(prefers-color-scheme:dark)")
    for element in ("rect", "path"):
        colours = [re.findall(element + r"{fill:hsl\((\d+),\d+%,(\d+)%\)", part)[0] for part in (light, dark)]
        assert colours[0][0] == colours[1][0]  # the same hue
        assert colours[0][1] != colours[1][1]


def test_the_key_of_a_picture_depends_on_the_secret_and_the_person():
    keys = {make_avatar_key(secret, user_id) for secret in ("one", "two") for user_id in (1, 2)}
    assert len(keys) == 4
    assert make_avatar_key("one", 1) == make_avatar_key("one", 1)


def test_nobody_follows_or_is_followed_by_somebody_who_is_gone(session):
    susan, john = add_user(session, "susan"), add_user(session, "john")
    session.execute(sa.delete(User).where(User.id == john))
    for follower, followee in ((susan, john), (john, susan)):
        with pytest.raises(StaleData):
            follow(session, follower, followee)
    assert not session.get(Follow, (susan, john))
