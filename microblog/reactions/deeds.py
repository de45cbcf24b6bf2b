"""What can be done with a post, by the last word of its address: `/posts/{id}/like` and others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import orm

from microblog.i18n import Message, _
from microblog.reactions import actions


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """`limit` is what it counts for; the texts are those of the page that asks before it is done."""

    do: Callable[[orm.Session, int, int], bool]
    limit: str
    question: Message
    consequence: Message
    button: Message


DEEDS = {
    "like": Deed(
        do=actions.like,
        limit="likes",
        question=_("Like this post?"),
        consequence=_("Everybody can see who likes it."),
        button=_("Like"),
    ),
    "unlike": Deed(
        do=actions.unlike,
        limit="likes",
        question=_("No longer like this post?"),
        consequence=_("It will be gone from the posts that you like."),
        button=_("Unlike"),
    ),
    "boost": Deed(
        do=actions.boost,
        limit="boosts",
        question=_("Boost this post?"),
        consequence=_("It will come to the home pages of your followers."),
        button=_("Boost"),
    ),
    "unboost": Deed(
        do=actions.unboost,
        limit="boosts",
        question=_("Take your boost back?"),
        consequence=_("The post will be gone from the home pages of your followers."),
        button=_("Take it back"),
    ),
    "bookmark": Deed(
        do=actions.bookmark,
        limit="likes",
        question=_("Bookmark this post?"),
        consequence=_("Nobody else sees your bookmarks."),
        button=_("Bookmark"),
    ),
    "unbookmark": Deed(
        do=actions.unbookmark,
        limit="likes",
        question=_("Remove this bookmark?"),
        consequence=_("The post itself stays."),
        button=_("Remove"),
    ),
}
