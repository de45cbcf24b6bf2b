"""How lists of posts are paged."""

from __future__ import annotations

from microblog.paging import parse_id
from microblog.posts.queries import PostRow, get_position
from microblog.web.paging import Keyset

POSTS = Keyset[PostRow, int](get_position, parse_id, goes_back=True)
# The oldest first, as a conversation is read.
REPLIES = Keyset[PostRow, int](get_position, parse_id, onward="after", goes_back=True)
