"""Who is told about what happens, in the same transaction. What is imported did not happen now."""

from __future__ import annotations

from microblog.ids import get_present
from microblog.notifications import actions, queries
from microblog.people.events import Followed, Unfollowed
from microblog.posts.events import PostEdited, PostPublished
from microblog.posts.mentions import find_mentions
from microblog.reactions.events import Boosted, Liked, Unboosted, Unliked


def tell_followed(event: Followed) -> None:
    if not event.imported:
        actions.tell(event.session, "follow", event.follower_id, event.followee_id)


def withdraw_follow(event: Unfollowed) -> None:
    queries.withdraw(event.session, "follow", event.follower_id, event.followee_id, 0)


def tell_liked(event: Liked) -> None:
    if not event.imported:
        actions.tell_author(event.session, "like", event.user_id, event.post_id)


def withdraw_like(event: Unliked) -> None:
    queries.withdraw_from_author(event.session, "like", event.user_id, event.post_id)


def tell_boosted(event: Boosted) -> None:
    if not event.imported:
        actions.tell_author(event.session, "boost", event.user_id, event.post_id)


def withdraw_boost(event: Unboosted) -> None:
    queries.withdraw_from_author(event.session, "boost", event.user_id, event.post_id)


def tell_published(event: PostPublished) -> None:
    if not event.imported:
        actions.tell_people_of_post(event.session, event.post_id, event.author_id)


def tell_edited(event: PostEdited) -> None:
    """Whom the text mentions that it did not mention before. Until its publication a post tells nobody."""
    if event.imported or event.is_held or event.post_id >= get_present():
        return
    before = find_mentions(queries.get_body_before(event.session, event.post_id, event.version))
    after = find_mentions(event.body)
    if set(before) - set(after):
        queries.withdraw_mentions(event.session, event.post_id)
    added = set(after) - set(before)
    if added:
        actions.tell_people_mentioned_since(event.session, event.post_id, event.author_id, added)
