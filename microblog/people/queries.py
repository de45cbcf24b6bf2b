"""Every SQL statement about people, and about whom they follow, block and mute."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.accounts.models import Nickname, User
from microblog.accounts.nicknames import NOT_ALLOWED, make_nickname_key
from microblog.db import StaleData, build_insert, require_changed
from microblog.ids import new_id
from microblog.paging import Cursor, KeyCursor, select_page
from microblog.people.models import Block, Follow, Mute
from microblog.people.visibility import is_blocked, is_related

BEHIND_ALL = "~"  # what a nickname may have comes before it
PERSON_COLUMNS = (
    User.id,
    User.nickname,
    User.display_name,
    User.email,
    User.about_me,
    User.member_since,
    sa.case((User.shows_last_seen, User.last_seen)).label("last_seen"),
    User.posts_count,
    User.followers_count,
    User.following_count,
    User.avatar,
    User.header,
)


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A person as the pages of a reader show them. In lists, `since` is the time-ordered id of the follow."""

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
    avatar: str | None = None  # names of pictures
    header: str | None = None
    i_follow: bool = False
    since: int = 0
    i_block: bool = False
    blocks_me: bool = False
    i_mute: bool = False
    is_indexed: bool = True  # may search engines have them? Known on their profile
    is_suspended: bool = False  # then nobody sees them. Known likewise


class Privacy(NamedTuple):
    """By whom somebody wants to be found."""

    is_indexed: bool
    is_listed: bool
    shows_last_seen: bool


PRIVACY = (User.is_indexed, User.is_listed, User.shows_last_seen)


def get_privacy(session: orm.Session, user_id: int) -> Privacy:
    """:raises StaleData: when the person was deleted."""
    row = session.execute(sa.select(*PRIVACY).where(User.id == user_id)).one_or_none()
    if row is None:
        raise StaleData("The person was deleted.")
    return Privacy(*row)


def set_privacy(session: orm.Session, user_id: int, chosen: Privacy) -> None:
    """:raises StaleData: when the person was deleted."""
    require_changed(session.execute(sa.update(User).where(User.id == user_id).values(**chosen._asdict())))


# What people want, unless moderators have taken them out of lists and search.
IS_INDEXED = sa.and_(User.is_indexed, sa.not_(User.is_limited))
IS_LISTED = sa.and_(User.is_listed, sa.not_(User.is_limited))


def is_found_by(reader: Any) -> Any:
    """A condition on the authors of posts: may this reader, or a visitor (None), find them by searching?"""
    return IS_INDEXED if reader is None else sa.or_(IS_INDEXED, User.id == reader)


def get_person(session: orm.Session, nickname: str, reader_id: int | None = None) -> PersonRow | None:
    """The person who has or had this nickname, and how the reader stands to them."""
    relations = (
        is_followed_by(reader_id),
        sa.literal(0),
        is_related(Block.blocker_id, reader_id, Block.blocked_id, User.id),
        is_related(Block.blocker_id, User.id, Block.blocked_id, reader_id),
        is_related(Mute.muter_id, reader_id, Mute.muted_id, User.id),
    )
    row = session.execute(
        sa.select(
            *PERSON_COLUMNS,
            *(sa.false() if reader_id is None else each for each in relations),
            *(IS_INDEXED, User.is_gone),
        )
        .join(Nickname, Nickname.user_id == User.id)
        .where(Nickname.key == make_nickname_key(nickname))
    ).one_or_none()
    return None if row is None else PersonRow(*row)


def lock_both(session: orm.Session, first_id: int, second_id: int) -> None:
    """Keep two people from being deleted before this transaction ends, and order what is done between them.

    :raises StaleData: when one of them was deleted.
    """
    both = sa.select(User.id).where(User.id.in_({first_id, second_id}), sa.not_(User.is_gone))
    found = session.scalars(both.order_by(User.id).with_for_update(key_share=True)).all()
    if set(found) != {first_id, second_id}:
        raise StaleData("A person was deleted.")


def has_blocked(session: orm.Session, first_id: int, second_id: int) -> bool:
    """Has one of the two blocked the other?"""
    return bool(session.scalar(sa.select(is_blocked(first_id, sa.literal(second_id, sa.BigInteger)))))


def add_relation(session: orm.Session, model: Any, who_id: int, whom_id: int) -> bool:
    """Add a follow, a block or a mute; True if it is new."""
    who, whom = sa.inspect(model).primary_key
    insert = build_insert(session, model).values({who: who_id, whom: whom_id, model.since: new_id()})
    added = insert.on_conflict_do_nothing(index_elements=[who, whom]).returning(whom)
    return session.scalar(added) is not None


def delete_relation(session: orm.Session, model: Any, who_id: int, whom_id: int) -> bool:
    """Delete a follow, a block or a mute; True if there was one."""
    who, whom = sa.inspect(model).primary_key
    result: Any = session.execute(sa.delete(model).where(who == who_id, whom == whom_id))
    return bool(result.rowcount)


def is_followed_by(reader_id: int | None) -> sa.ColumnElement[bool]:
    """A column: does the reader follow the person of the row?"""
    if reader_id is None:
        return sa.false()
    mine = orm.aliased(Follow)
    return is_related(mine.follower_id, reader_id, mine.followee_id, User.id)


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


def list_blocked(session: orm.Session, blocker_id: int, cursor: Cursor, limit: int) -> list[PersonRow]:
    """Whom this person has blocked, the latest first."""
    columns = (*PERSON_COLUMNS, sa.false(), Block.since, sa.true())  # up to `i_block`
    query = sa.select(*columns).join(Block, User.id == Block.blocked_id)
    query = query.where(Block.blocker_id == blocker_id, sa.not_(User.is_gone))
    page = select_page(query, Block.since, cursor, limit)
    return [PersonRow(*row) for row in session.execute(page)]


def list_muted(session: orm.Session, muter_id: int, cursor: Cursor, limit: int) -> list[PersonRow]:
    """Whom this person has muted, the latest first."""
    columns = (Mute.since, sa.false(), sa.false(), sa.true())  # up to `i_mute`
    query = select_people(muter_id, *columns).join(Mute, User.id == Mute.muted_id)
    page = select_page(query.where(Mute.muter_id == muter_id), Mute.since, cursor, limit)
    return [PersonRow(*row) for row in session.execute(page)]


def select_people(reader_id: int | None, *more: Any) -> Any:
    """A query for the columns of `PersonRow`, of the people whom this reader sees; None is a visitor."""
    query = sa.select(*PERSON_COLUMNS, is_followed_by(reader_id), *more).select_from(User)
    return query.where(sa.not_(User.is_gone), sa.not_(is_blocked(reader_id, User.id)))


def list_people_to_mention(
    session: orm.Session, reader_id: int, beginning: str, limit: int, *, follows_looked_at: int
) -> list[PersonRow]:
    """People whose nickname begins like this, those whom the reader follows first, of these the latest first.

    Among the latest follows, however many there are; the others by the index of nicknames.
    """
    key = make_nickname_key(beginning)
    follows = sa.select(Follow.followee_id).where(Follow.follower_id == reader_id)
    latest: Any = follows.order_by(Follow.since.desc()).limit(follows_looked_at).scalar_subquery()
    # PostgreSQL would rather read all people than look up as many as it cannot foresee.
    is_postgresql = session.get_bind().dialect.name == "postgresql"
    is_latest = User.id == sa.any_(sa.func.array(latest)) if is_postgresql else User.id.in_(latest)
    since = sa.select(Follow.since).where(Follow.follower_id == reader_id, Follow.followee_id == User.id)
    begins = sa.func.substr(sa.func.lower(User.nickname), 1, len(key)) == key
    followed = select_people(reader_id).where(is_latest, begins).order_by(since.scalar_subquery().desc())
    rows = session.execute(followed.limit(limit)).all()
    found = {row.id: PersonRow(*row) for row in rows}
    if len(found) < limit:
        others = select_people(reader_id).join(Nickname, Nickname.user_id == User.id)
        others = others.where(
            is_present_nickname(), IS_LISTED, Nickname.key >= key, Nickname.key < key + BEHIND_ALL
        )
        for row in session.execute(others.order_by(Nickname.key).limit(limit)):
            found.setdefault(row.id, PersonRow(*row))
    return list(found.values())[:limit]


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
        .where(is_present_nickname(), IS_LISTED, Nickname.key > make_nickname_key(after))
    )
    return [PersonRow(*row) for row in session.execute(query.order_by(Nickname.key).limit(limit))]
