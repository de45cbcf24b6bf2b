"""Statements about timelines that no page shows by itself."""

from __future__ import annotations

from microblog.accounts.queries import add_user
from microblog.ids import LARGEST
from microblog.paging import Cursor
from microblog.posts.queries import add_posts
from microblog.timelines.home import list_home_posts
from microblog.timelines.queries import list_public_posts


def test_the_largest_id_can_be_read(session):
    susan = add_user(session, "susan")
    add_posts(session, [{"id": LARGEST - 1, "user_id": susan, "body": "last", "language": None}])
    assert [post.body for post in list_home_posts(session, susan, Cursor(), 5)] == ["last"]
    assert [post.body for post in list_public_posts(session, susan, Cursor(), 5)] == ["last"]
