"""Tags follow the texts of posts, in the same transaction."""

from __future__ import annotations

from microblog.posts.events import PostEdited, PostWritten
from microblog.tags.queries import add_tags, set_tags


def keep_tags(event: PostWritten) -> None:
    add_tags(event.session, {event.post_id: event.body})


def keep_tags_of_edit(event: PostEdited) -> None:
    set_tags(event.session, event.post_id, event.body)
