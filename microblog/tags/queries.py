"""Every SQL statement about tags. The posts of a tag are listed in `microblog/timelines/queries.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.accounts.departure_queries import select_gone, select_limited
from microblog.accounts.models import User
from microblog.db import StaleData, build_insert
from microblog.ids import get_present
from microblog.posts.models import Post
from microblog.posts.tags import find_tags
from microblog.tags.models import FollowedTag, PostTag, WeeklyTag


class TagOfTheWeek(NamedTuple):
    tag: str
    people: int


def add_tags(session: orm.Session, bodies: Mapping[int, str]) -> None:
    """Keep which tags these posts have, by their texts."""
    rows = [{"tag": tag, "post_id": post_id} for post_id, body in bodies.items() for tag in find_tags(body)]
    if rows:
        session.execute(build_insert(session, PostTag).on_conflict_do_nothing(), rows)


def set_tags(session: orm.Session, post_id: int, body: str) -> None:
    """Keep which tags a post has now, by its text."""
    session.execute(sa.delete(PostTag).where(PostTag.post_id == post_id))
    add_tags(session, {post_id: body})


def is_followed(session: orm.Session, user_id: int, tag: str) -> bool:
    mine = sa.select(FollowedTag.tag).where(FollowedTag.user_id == user_id, FollowedTag.tag == tag)
    return session.scalar(mine) is not None


def list_followed(session: orm.Session, user_id: int) -> list[str]:
    """The tags that somebody follows, in the order of the alphabet."""
    return sorted(session.scalars(sa.select(FollowedTag.tag).where(FollowedTag.user_id == user_id)))


def follow(session: orm.Session, user_id: int, tag: str, most: int) -> bool:
    """Add a tag to those that somebody follows, unless these are as many already; False if they are.

    :raises StaleData: when the person was deleted.
    """
    person = sa.select(User.id).where(User.id == user_id).with_for_update(key_share=True)
    if session.scalar(person) is None:
        raise StaleData("The person was deleted.")
    mine = set(list_followed(session, user_id))
    if tag not in mine:
        if len(mine) >= most:
            return False
        session.execute(sa.insert(FollowedTag).values(user_id=user_id, tag=tag))
    return True


def unfollow(session: orm.Session, user_id: int, tag: str) -> None:
    session.execute(sa.delete(FollowedTag).where(FollowedTag.user_id == user_id, FollowedTag.tag == tag))


def count_tags(session: orm.Session, since: int, limit: int) -> list[TagOfTheWeek]:
    """The tags that most people have used in published posts from this id on. It reads all tags of these."""
    people = sa.func.count(sa.distinct(Post.user_id)).label("people")
    query = sa.select(PostTag.tag, people).join(Post, Post.id == PostTag.post_id)
    query = query.where(PostTag.post_id >= since, PostTag.post_id < get_present())
    is_public = sa.and_(Post.user_id.not_in(select_gone()), Post.user_id.not_in(select_limited()))
    query = query.where(Post.hidden.is_(None), is_public).group_by(PostTag.tag)
    rows = session.execute(query.order_by(people.desc(), PostTag.tag).limit(limit))
    return [TagOfTheWeek(*row) for row in rows]


def list_tags_of_the_week(session: orm.Session) -> list[TagOfTheWeek]:
    """As the worker has counted them last, those that most people use first."""
    query = sa.select(WeeklyTag.tag, WeeklyTag.people)
    return [
        TagOfTheWeek(*row) for row in session.execute(query.order_by(WeeklyTag.people.desc(), WeeklyTag.tag))
    ]


def replace_tags_of_the_week(session: orm.Session, tags: Sequence[TagOfTheWeek]) -> None:
    session.execute(sa.delete(WeeklyTag).where(WeeklyTag.tag.not_in([tag for tag, _ in tags])))
    insert: Any = build_insert(session, WeeklyTag)
    insert = insert.on_conflict_do_update(
        index_elements=[WeeklyTag.tag], set_={"people": insert.excluded.people}
    )
    if tags:
        session.execute(insert, [tag._asdict() for tag in tags])
