"""How lists of posts are paged."""

from __future__ import annotations

from microblog.paging import parse_id
from microblog.posts.queries import PostRow
from microblog.web.paging import Keyset

POSTS = Keyset[PostRow, int](lambda post: post.id, parse_id, goes_back=True)
# The oldest first, as a conversation is read.
REPLIES = Keyset[PostRow, int](lambda post: post.id, parse_id, onward="after", goes_back=True)
