"""Every SQL statement about what is withheld of people who are suspended."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.accounts.departure_queries import lock_in_order
from microblog.accounts.models import User
from microblog.db import build_insert
from microblog.moderation.models import HIDDEN, HIDES, RETURNS, Suspension, WithheldFollow
from microblog.people.models import Block, Follow
from microblog.posts.models import Post

WITH_AUTHOR: Final = 2  # `Post.hidden` of the posts of somebody who is suspended


def list_unfinished(session: orm.Session, limit: int) -> list[int]:
    """The ids of people of whom something is to be moved."""
    query = sa.select(Suspension.user_id).where(Suspension.state.in_((HIDES, RETURNS)))
    return list(session.scalars(query.order_by(Suspension.user_id).limit(limit)))


def lock_suspension(session: orm.Session, user_id: int) -> int | None:
    """What is to be done about somebody: `HIDES` or `RETURNS`; None when nothing is, or others do."""
    query = sa.select(Suspension.state).where(
        Suspension.user_id == user_id, Suspension.state.in_((HIDES, RETURNS))
    )
    return session.scalar(query.with_for_update(skip_locked=True))


def finish(session: orm.Session, user_id: int, state: int) -> None:
    """All is hidden now, or all is back, and the suspension with it forgotten."""
    own = Suspension.user_id == user_id
    if state == HIDES:
        session.execute(sa.update(Suspension).where(own).values(state=HIDDEN))
    else:
        session.execute(sa.delete(Suspension).where(own))


# Posts


def hide_posts(session: orm.Session, user_id: int, limit: int) -> int:
    return mark_posts(session, Post.hidden.is_(None), user_id, limit, WITH_AUTHOR)


def show_posts(session: orm.Session, user_id: int, limit: int) -> int:
    return mark_posts(session, Post.hidden == WITH_AUTHOR, user_id, limit, None)


def mark_posts(session: orm.Session, is_so: Any, user_id: int, limit: int, hidden: int | None) -> int:
    """From the position on at which the last transaction has stopped."""
    suspension = sa.select(Suspension.position).where(Suspension.user_id == user_id)
    behind = Post.id > (session.scalar(suspension) or 0)
    found = sa.select(Post.id, Post.reply_to).where(Post.user_id == user_id, behind).order_by(Post.id)
    rows = session.execute(found.limit(limit)).all()
    if rows:
        lock_in_order(session, [("posts", {each for row in rows for each in row}), ("users", [user_id])])
        own = sa.and_(Post.id.in_([row.id for row in rows]), is_so)
        session.execute(sa.update(Post).where(own).values(hidden=hidden))
        here = sa.update(Suspension).where(Suspension.user_id == user_id)
        session.execute(here.values(position=rows[-1].id))
    return len(rows)


# Follows


def withhold_follows(session: orm.Session, user_id: int, limit: int) -> int:
    """Those by somebody, and those of them."""
    for mine in (Follow.follower_id, Follow.followee_id):
        query = sa.select(Follow.follower_id, Follow.followee_id, Follow.since).where(mine == user_id)
        rows = session.execute(query.limit(limit)).all()
        if rows:
            lock_in_order(session, [("users", {each for row in rows for each in row[:2]})])
            session.execute(sa.insert(WithheldFollow), [{**row._mapping, "of_id": user_id} for row in rows])
            key = sa.tuple_(Follow.follower_id, Follow.followee_id)
            session.execute(sa.delete(Follow).where(key.in_([tuple(row[:2]) for row in rows])))
            return len(rows)
    return 0


def give_back_follows(session: orm.Session, user_id: int, limit: int) -> int:
    """Not those of whoever is gone, or was blocked meanwhile. Those of somebody who is suspended, too, wait
    for them."""
    own = WithheldFollow.of_id == user_id
    columns = (WithheldFollow.follower_id, WithheldFollow.followee_id, WithheldFollow.since)
    rows = session.execute(sa.select(*columns).where(own).limit(limit)).all()
    if not rows:
        return 0
    others = {each for row in rows for each in row[:2]} - {user_id}
    lock_in_order(session, [("users", {user_id, *others})])
    suspended = set(session.scalars(sa.select(Suspension.user_id).where(is_suspended(others))))
    here = set(session.scalars(sa.select(User.id).where(User.id.in_(others), sa.not_(User.is_gone))))
    blocks = find_blocks(session, user_id, others)
    back, key = [], sa.tuple_(WithheldFollow.follower_id, WithheldFollow.followee_id)
    for row in rows:
        other = row.followee_id if row.follower_id == user_id else row.follower_id
        this = sa.and_(own, key == (row.follower_id, row.followee_id))
        if other in suspended:
            session.execute(sa.update(WithheldFollow).where(this).values(of_id=other))
        else:
            session.execute(sa.delete(WithheldFollow).where(this))
            if other in here and other not in blocks:
                back.append(dict(row._mapping))
    if back:
        insert = build_insert(session, Follow)
        session.execute(insert.on_conflict_do_nothing(), back)
    return len(rows)


def is_suspended(ids: set[int]) -> sa.ColumnElement[bool]:
    return sa.and_(Suspension.user_id.in_(ids), Suspension.state != RETURNS)


def find_blocks(session: orm.Session, user_id: int, others: set[int]) -> set[int]:
    """Those of the others who have blocked this person, or whom they have blocked."""
    mine = sa.select(Block.blocked_id).where(Block.blocker_id == user_id, Block.blocked_id.in_(others))
    theirs = sa.select(Block.blocker_id).where(Block.blocked_id == user_id, Block.blocker_id.in_(others))
    return set(session.scalars(mine.union_all(theirs)))


# Likes and boosts


def withhold_reactions(model: Any, withheld: Any, session: orm.Session, user_id: int, limit: int) -> int:
    query = sa.select(model.user_id, model.post_id, model.id).where(model.user_id == user_id).limit(limit)
    rows = session.execute(query).all()
    if rows:
        ids = [row.post_id for row in rows]
        lock_in_order(session, [("posts", ids)])
        session.execute(sa.insert(withheld), [{**row._mapping, "of_id": user_id} for row in rows])
        session.execute(sa.delete(model).where(model.user_id == user_id, model.post_id.in_(ids)))
    return len(rows)


def give_back_reactions(model: Any, withheld: Any, session: orm.Session, user_id: int, limit: int) -> int:
    """Not those of posts that were deleted meanwhile."""
    query = sa.select(withheld.user_id, withheld.post_id, withheld.id).where(withheld.of_id == user_id)
    rows = session.execute(query.limit(limit)).all()
    if rows:
        ids = [row.post_id for row in rows]
        lock_in_order(session, [("posts", ids)])
        there = set(session.scalars(sa.select(Post.id).where(Post.id.in_(ids))))
        back = [dict(row._mapping) for row in rows if row.post_id in there]
        if back:
            session.execute(build_insert(session, model).on_conflict_do_nothing(), back)
        session.execute(sa.delete(withheld).where(withheld.of_id == user_id, withheld.post_id.in_(ids)))
    return len(rows)
