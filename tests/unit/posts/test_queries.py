"""Statements about posts that no page shows by itself."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from microblog.accounts.models import User
from microblog.accounts.queries import add_user
from microblog.ids import new_id
from microblog.posts.models import Post
from microblog.posts.queries import add_post, add_posts, get_post, list_posts_by_id


@pytest.fixture
def susan(session):
    return add_user(session, "susan")


def count_of(session, user_id):
    return session.scalar(sa.select(User.posts_count).where(User.id == user_id))


def test_posts_come_in_the_order_that_was_asked_for_and_the_missing_are_left_out(session, susan):
    one, two = (add_post(session, susan, body) for body in ("one", "two"))
    assert [post.body for post in list_posts_by_id(session, [two, 12345, one], None)] == ["two", "one"]
    assert list_posts_by_id(session, [], None) == []


def test_many_posts_at_once_are_counted(session, susan):
    rows = [{"id": new_id(), "user_id": susan, "body": "x", "language": "en"} for _ in range(20)]
    add_posts(session, rows)
    assert count_of(session, susan) == 20


def test_a_bulk_deletion_is_counted(session, susan):
    ids = [add_post(session, susan, "x") for _ in range(5)]
    session.execute(sa.delete(Post).where(Post.id.in_(ids[:3])))
    assert count_of(session, susan) == 2
    session.execute(sa.text("DELETE FROM posts"))
    assert count_of(session, susan) == 0


def test_posts_that_change_their_author_are_counted(session, susan):
    john = add_user(session, "john")
    add_post(session, susan, "x")
    session.execute(sa.update(Post).values(user_id=john))
    assert (count_of(session, susan), count_of(session, john)) == (0, 1)


def test_the_posts_of_a_person_go_with_the_person(session, susan):
    post_id = add_post(session, susan, "x")
    session.execute(sa.delete(User).where(User.id == susan))
    assert get_post(session, post_id, None) is None
