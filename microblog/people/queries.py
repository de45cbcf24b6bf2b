"""Every SQL statement about people and whom they follow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.accounts.models import Nickname, User
from microblog.accounts.nicknames import NOT_ALLOWED, make_nickname_key
from microblog.db import StaleData, build_insert
from microblog.ids import new_id
from microblog.paging import Cursor, KeyCursor, select_page
from microblog.people.models import Follow

PERSON_COLUMNS = (
    User.id,
    User.nickname,
    User.display_name,
    User.email,
    User.about_me,
    User.member_since,
    User.last_seen,
    User.posts_count,
    User.followers_count,
    User.following_count,
)


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A person as pages show them. In lists, `i_follow` says whether the reader follows them, and `since` is
    the time-ordered id of the follow."""

    id: int
    nickname: str
    display_name: str
    email: str | None
    about_me: str
    member_since: datetime
    last_seen: datetime | None
    posts_count: int
    followers_count: int
    following_count: int
    i_follow: bool = False
    since: int = 0


def get_person(session: orm.Session, nickname: str) -> PersonRow | None:
    """The person who has or had this nickname."""
    row = session.execute(
        sa.select(*PERSON_COLUMNS)
        .join(Nickname, Nickname.user_id == User.id)
        .where(Nickname.key == make_nickname_key(nickname))
    ).one_or_none()
    return None if row is None else PersonRow(*row)


def is_following(session: orm.Session, follower_id: int, followee_id: int) -> bool:
    return (
        session.scalar(
            sa.select(Follow.followee_id).where(
                Follow.follower_id == follower_id, Follow.followee_id == followee_id
            )
        )
        is not None
    )


def follow(session: orm.Session, follower_id: int, followee_id: int) -> bool:
    """Add a follow; True if it is new.

    :raises StaleData: when one of them was deleted.
    """
    both = sa.select(User.id).where(User.id.in_({follower_id, followee_id}))
    found = session.scalars(both.order_by(User.id).with_for_update(read=True, key_share=True)).all()
    if set(found) != {follower_id, followee_id}:
        raise StaleData("A person was deleted.")
    statement = (
        build_insert(session, Follow)
        .values(follower_id=follower_id, followee_id=followee_id, since=new_id())
        .on_conflict_do_nothing(index_elements=[Follow.follower_id, Follow.followee_id])
    )
    return session.scalar(statement.returning(Follow.followee_id)) is not None


def unfollow(session: orm.Session, follower_id: int, followee_id: int) -> bool:
    """Delete a follow; True if there was one."""
    result: Any = session.execute(
        sa.delete(Follow).where(Follow.follower_id == follower_id, Follow.followee_id == followee_id)
    )
    return bool(result.rowcount)


def is_followed_by(reader_id: int | None) -> sa.ColumnElement[bool]:
    """A column: does the reader follow the person of the row?

    It is looked up for each row: for EXISTS PostgreSQL may read everybody whom the reader follows at once.
    """
    if reader_id is None:
        return sa.false()
    mine = orm.aliased(Follow)
    found = sa.select(mine.followee_id).where(mine.follower_id == reader_id, mine.followee_id == User.id)
    return found.scalar_subquery().is_not(None)


def list_followers(
    session: orm.Session, person_id: int, cursor: Cursor, limit: int, *, reader_id: int | None
) -> list[PersonRow]:
    """The followers of this person, the latest first."""
    query = select_people(reader_id, Follow.since).join(Follow, User.id == Follow.follower_id)
    return list_follows(session, query.where(Follow.followee_id == person_id), cursor, limit)


def list_following(
    session: orm.Session, person_id: int, cursor: Cursor, limit: int, *, reader_id: int | None
) -> list[PersonRow]:
    """The people whom this person follows, the latest first."""
    query = select_people(reader_id, Follow.since).join(Follow, User.id == Follow.followee_id)
    return list_follows(session, query.where(Follow.follower_id == person_id), cursor, limit)


def list_follows(session: orm.Session, query: Any, cursor: Cursor, limit: int) -> list[PersonRow]:
    return [PersonRow(*row) for row in session.execute(select_page(query, Follow.since, cursor, limit))]


def select_people(reader_id: int | None, *more: Any) -> Any:
    """A query for the columns of `PersonRow`."""
    return sa.select(*PERSON_COLUMNS, is_followed_by(reader_id), *more).select_from(User)


def is_present_nickname() -> sa.ColumnElement[bool]:
    """A column: is it the nickname of the person, and not a former one?

    Former ones lead to a person, but are not listed. As a plain condition, planners would join by it: they
    expect one row, so they join everybody and sort, instead of following the nicknames for a page.
    """
    return sa.func.coalesce(Nickname.key == sa.func.lower(User.nickname), sa.false())


def list_people(
    session: orm.Session, cursor: KeyCursor[str], *, limit: int, reader_id: int | None
) -> list[PersonRow]:
    """Everybody, from A to Z. The cursor has keys of nicknames; after what can be none of them is nobody."""
    after = cursor.after or ""
    if NOT_ALLOWED.search(after):  # PostgreSQL takes no NUL
        return []
    query = (
        select_people(reader_id)
        .join(Nickname, Nickname.user_id == User.id)
        .where(is_present_nickname(), Nickname.key > make_nickname_key(after))
    )
    return [PersonRow(*row) for row in session.execute(query.order_by(Nickname.key).limit(limit))]
