"""Every SQL statement about notifications.

A group is read with a bounded number of its notifications, however many there are; whose cause the reader
does not see (`microblog/people/visibility.py`) are none.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.accounts.models import Nickname, User
from microblog.db import INSERTS, build_insert, select_once
from microblog.ids import get_timestamp
from microblog.notifications.models import Digest, NoticeChoice, Notification, NotificationGroup
from microblog.notifications.rules import MOST_COUNTED, MOST_UNREAD
from microblog.paging import Cursor, Found, look_through, select_page
from microblog.people.visibility import is_absent, is_unseen
from microblog.posts.models import Mention, Post, PostVersion
from microblog.posts.queries import PostRow, is_hidden, list_posts_by_id

Group = NotificationGroup
MOST_LOOKED_AT = 1_000  # unread groups among which those are counted that the reader sees
ANSWER, MENTION = "answer", "mention"
SITE = "site"


# Whom to tell


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who is to be told; `preferences` have their time zone. Who does not want it `on_site` may want
    a mail, of kinds that have mails. Who `has_digest` reads there what they are told on the site."""

    id: int
    preferences: str
    kind: str
    on_site: bool
    has_digest: bool


def find_recipients(session: orm.Session, kind: str, actor_id: int, user_id: int) -> list[Recipient]:
    """This person, if they want to be told what this actor did."""
    return list_recipients(session, choose_person, actor=actor_id, kind=kind, person=user_id)


def find_oneself(session: orm.Session, kind: str, user_id: int) -> list[Recipient]:
    """This person, if they want to be told what nobody else did."""
    return list_recipients(session, choose_oneself, kind=kind, person=user_id)


def find_author(session: orm.Session, kind: str, actor_id: int, post_id: int) -> list[Recipient]:
    """The author of a post, likewise."""
    return list_recipients(session, choose_author, actor=actor_id, kind=kind, post=post_id)


def find_people_of_post(session: orm.Session, post_id: int, author_id: int) -> list[Recipient]:
    """Whom a post answers, and whom else it mentions, likewise."""
    return list_recipients(session, choose_people_of_post, actor=author_id, post=post_id)


def find_people_mentioned_since(
    session: orm.Session, post_id: int, author_id: int, keys: Collection[str]
) -> list[Recipient]:
    """Whom a post mentions by these keys of nicknames, without whom it answers, likewise."""
    return list_recipients(session, choose_mentioned_since, actor=author_id, post=post_id, keys=[*keys])


# Parameters of the statements that find recipients.
THE_ACTOR, THE_PERSON, THE_POST = (
    sa.bindparam(name, type_=sa.BigInteger) for name in ("actor", "person", "post")
)
THE_KIND = sa.bindparam("kind", type_=sa.String)
# The kind of which they are told, and who they are, as columns; whether somebody else is the cause.
Choice = tuple[Any, Any, bool]


def choose_person() -> Choice:
    return THE_KIND, User.id == THE_PERSON, True


def choose_oneself() -> Choice:
    return THE_KIND, User.id == THE_PERSON, False


def choose_author() -> Choice:
    return THE_KIND, User.id == select_author().scalar_subquery(), True


def choose_people_of_post() -> Choice:
    concerned = sa.union_all(select_mentioned(THE_POST), select_answered(THE_POST))
    kind = sa.case((User.id == select_answered(THE_POST).scalar_subquery(), ANSWER), else_=MENTION)
    return kind, User.id.in_(concerned), True


def choose_mentioned_since() -> Choice:
    named = sa.select(Nickname.user_id).where(Nickname.key.in_(sa.bindparam("keys", expanding=True)))
    answered = sa.func.coalesce(select_answered(THE_POST).scalar_subquery(), 0)
    mentioned = select_mentioned(THE_POST).where(Mention.user_id.in_(named), Mention.user_id != answered)
    return sa.literal(MENTION), User.id.in_(mentioned), True


def select_author() -> Any:
    return sa.select(Post.user_id).where(Post.id == THE_POST)


def select_mentioned(post_id: Any) -> Any:
    return sa.select(Mention.user_id).where(Mention.post_id == post_id)


def select_answered(post_id: Any) -> Any:
    return sa.select(Post.reply_to_author).where(Post.id == post_id)


def list_recipients(session: orm.Session, choose: Callable[[], Choice], **parameters: Any) -> list[Recipient]:
    """Not the actor, nor who does not see them, nor who does not want this kind. Nobody can delete them
    before this transaction ends."""
    kinds = session.info["registry"].notification_kinds.values()
    mailed = tuple(each.name for each in kinds if each.mail is not None)
    return [Recipient(*row) for row in session.execute(select_recipients(choose, mailed), parameters)]


@lru_cache(maxsize=100)
def select_recipients(choose: Callable[[], Choice], mailed: tuple[str, ...]) -> Any:
    """Made once: SQLAlchemy takes longer to put the statement together than the database to answer it.

    Who wants it here is told, and of the kinds that are `mailed` also who may want a mail.
    """
    kind, who, has_actor = choose()
    wants = is_wanted(User.id, kind, SITE)
    query = sa.select(User.id, User.preferences, kind, wants, has_digest(User.id))
    query = query.where(who, sa.or_(wants, kind.in_(mailed)))
    if has_actor:
        query = query.where(User.id != THE_ACTOR, sa.not_(is_unseen(User.id, THE_ACTOR)))
    return query.order_by(User.id).with_for_update(read=True, key_share=True, of=User)


def is_wanted(user_id: Any, kind: Any, channel: str, *, by_default: bool = True) -> sa.ColumnElement[bool]:
    """A column: does this person want to be told of this kind, by this channel?"""
    chosen = sa.select(NoticeChoice.wanted).where(
        NoticeChoice.user_id == user_id, NoticeChoice.kind == kind, NoticeChoice.channel == channel
    )
    looked_up = chosen.correlate_except(NoticeChoice).scalar_subquery()
    return sa.func.coalesce(looked_up, sa.true() if by_default else sa.false()) == sa.true()


def has_digest(user_id: Any) -> sa.ColumnElement[bool]:
    """A column: does this person want a digest?"""
    chosen = sa.select(sa.literal_column("1", sa.Integer)).where(Digest.user_id == user_id)
    looked_up = chosen.correlate_except(Digest).scalar_subquery()
    return sa.func.coalesce(looked_up, sa.literal_column("0")) == sa.literal_column("1")


def get_values_of_mail(session: orm.Session, actor_id: int, post_id: int | None) -> dict[str, Any]:
    """What a mail says: who did it, and the text of the post that it is about, if any."""
    body = sa.select(Post.body).where(Post.id == post_id).scalar_subquery()
    query = sa.select(User.nickname, User.display_name, body.label("body")).where(User.id == actor_id)
    return {**session.execute(query).one()._mapping, "post_id": post_id}


def get_body_before(session: orm.Session, post_id: int, version: int) -> str:
    """The text that a post had before it got this version."""
    before = sa.select(PostVersion.body).where(
        PostVersion.post_id == post_id, PostVersion.number == version - 1
    )
    return session.scalar(before) or ""


# What is kept


def keep_groups(session: orm.Session, rows: Sequence[dict[str, Any]]) -> Mapping[int, int]:
    """Add groups; the `latest` of each by its id. One that is there already is locked, and stays as it is."""
    kept = session.execute(KEEP_GROUPS[session.get_bind().dialect.name], rows)
    return {row.id: row.latest for row in kept}


def keep_notifications(session: orm.Session, rows: Sequence[dict[str, Any]]) -> Mapping[int, int]:
    """Add notifications; the id of each by that of its group. One that was withdrawn is back."""
    added = session.execute(KEEP_NOTIFICATIONS[session.get_bind().dialect.name], rows)
    return {row.group_id: row.id for row in added}


# Of tables, whose rows are parameters: those of `values` are a part of a statement, made for each.
def make_insert_of_groups(insert: Any) -> Any:
    key = [Group.user_id, Group.kind, Group.cause, Group.day]
    kept = insert(Group.__table__).on_conflict_do_update(index_elements=key, set_={"latest": Group.latest})
    return kept.returning(Group.id, Group.latest)


def make_insert_of_notifications(insert: Any) -> Any:
    key = [Notification.group_id, Notification.actor_id]
    kept = insert(Notification.__table__).on_conflict_do_update(
        index_elements=key, set_={"withdrawn": sa.false()}
    )
    return kept.returning(Notification.group_id, Notification.id)


KEEP_GROUPS = {name: make_insert_of_groups(insert) for name, insert in INSERTS.items()}
KEEP_NOTIFICATIONS = {name: make_insert_of_notifications(insert) for name, insert in INSERTS.items()}


def move_up(session: orm.Session, group_ids: Collection[int], latest: int) -> None:
    """There is something new in these groups, which are locked."""
    older = sa.update(Group).where(Group.id.in_(group_ids), Group.latest < latest)
    session.execute(older.values(latest=latest))


def withdraw(session: orm.Session, kind: str, actor_id: int, user_id: int, cause: int) -> None:
    """What this actor did is taken back."""
    values = {"person": user_id, "kind": kind, "actor": actor_id, "cause": cause}
    session.execute(WITHDRAW, values)


def withdraw_from_author(session: orm.Session, kind: str, actor_id: int, post_id: int) -> None:
    """What this actor did with a post is taken back."""
    values = {"post": post_id, "kind": kind, "actor": actor_id, "cause": post_id}
    session.execute(WITHDRAW_FROM_AUTHOR, values)


def make_withdrawal(person: Any) -> Any:
    cause = sa.bindparam("cause", type_=sa.BigInteger)
    groups = sa.select(Group.id).where(Group.user_id == person, Group.kind == THE_KIND, Group.cause == cause)
    own = sa.update(Notification).where(
        Notification.group_id.in_(groups), Notification.actor_id == THE_ACTOR, sa.not_(Notification.withdrawn)
    )
    return own.values(withdrawn=True)


WITHDRAW = make_withdrawal(THE_PERSON)
WITHDRAW_FROM_AUTHOR = make_withdrawal(select_author().scalar_subquery())


def withdraw_mentions(session: orm.Session, post_id: int) -> None:
    """Of those whom a post no longer mentions."""
    gone = sa.select(Group.id).where(
        Group.post_id == post_id, Group.kind == MENTION, Group.user_id.not_in(select_mentioned(post_id))
    )
    session.execute(sa.update(Notification).where(Notification.group_id.in_(gone)).values(withdrawn=True))


# What the reader sees


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it, as far as it is shown."""

    id: int
    nickname: str
    display_name: str
    email: str | None
    avatar: str | None


@dataclass(frozen=True, slots=True)
class NotificationRow:
    """A line of the list. `newest` is the id of the latest notification of it that the reader sees, and
    `count` how many they see, of which no more than `MOST_COUNTED` + 1 are counted."""

    id: int
    kind: str
    cause: int
    post_id: int | None
    latest: int
    is_unread: bool
    newest: int
    count: int
    actor: Actor
    post: PostRow | None = None

    @property
    def others(self) -> int:
        """People besides the actor, if there are not too many to count."""
        return min(self.count, MOST_COUNTED) - 1

    @property
    def has_more(self) -> bool:
        """Are there more than these?"""
        return self.count > MOST_COUNTED

    @property
    def happened(self) -> datetime:
        return get_timestamp(self.newest)


READER = sa.bindparam("reader", type_=sa.BigInteger)


def select_seen(group_id: Any, *columns: Any) -> Any:
    """A query for the notifications of a group that the reader sees."""
    query = sa.select(*columns or (Notification.id,)).correlate_except(Notification)
    return query.where(
        Notification.group_id == group_id,
        sa.not_(Notification.withdrawn),
        sa.not_(is_unseen(READER, Notification.actor_id)),
        sa.not_(is_absent(Notification.actor_id)),
    )


def build_lines() -> Any:
    latest = select_seen(Group.id).order_by(Notification.id.desc()).limit(1).scalar_subquery()
    newest = sa.case((sa.not_(is_hidden(Group.post_id)), latest))
    actor = select_seen(Group.id, Notification.actor_id).order_by(Notification.id.desc()).limit(1)
    some = select_seen(Group.id, sa.literal_column("1").label("one")).limit(MOST_COUNTED + 1).subquery()
    count = sa.select(sa.func.count()).select_from(some).scalar_subquery()
    return sa.select(
        *(Group.id, Group.kind, Group.cause, Group.post_id, Group.latest, Group.read_until),
        *(newest.label("newest"), actor.scalar_subquery().label("actor_id"), count.label("seen_count")),
    )


LINES = build_lines()  # of anybody, as the reader sees them
LIST = LINES.where(Group.user_id == READER)


@lru_cache(maxsize=16)
def build_count(uncounted: tuple[str, ...] = ()) -> Any:
    """A query for how many lines of the reader's list have something unread, without these kinds, which
    another sign counts; `MOST_UNREAD` stands for more, too."""
    is_counted = [Group.kind != name for name in uncounted]
    unread = sa.select(Group.id, Group.read_until, Group.post_id).where(
        Group.user_id == READER, Group.latest > Group.read_until, *is_counted
    )
    looked_at = unread.order_by(Group.latest.desc()).limit(MOST_LOOKED_AT).subquery()
    news = select_seen(looked_at.c.id).where(Notification.id > looked_at.c.read_until).limit(1)
    has_news = sa.func.coalesce(news.scalar_subquery(), sa.literal_column("0")) > sa.literal_column("0")
    some: Any = sa.select(sa.literal_column("1").label("one")).select_from(looked_at)
    some = some.where(has_news, sa.not_(is_hidden(looked_at.c.post_id)))
    return sa.select(sa.func.count()).select_from(some.limit(MOST_UNREAD).subquery())


def count_unread(session: orm.Session, reader_id: int) -> int:
    """As in the header."""
    kinds = session.info["registry"].notification_kinds.values()
    uncounted = tuple(kind.name for kind in kinds if not kind.counted)
    return session.scalar(build_count(uncounted), {"reader": reader_id}) or 0


def list_notifications(
    session: orm.Session, reader_id: int, cursor: Cursor, limit: int
) -> Found[NotificationRow]:
    """A page of what the reader is told, the latest first."""

    def read(candidates: int) -> Sequence[Any]:
        return session.execute(
            select_page(LIST, Group.latest, cursor, candidates), {"reader": reader_id}
        ).all()

    found = look_through(read, choose_seen, lambda row: row.latest, limit)
    return Found(complete(session, reader_id, found), looked_until=found.looked_until)


def choose_seen(rows: Sequence[Any]) -> list[Any]:
    return [row for row in rows if row.newest]


def get_notification(session: orm.Session, reader_id: int, group_id: int) -> NotificationRow | None:
    """A line of the reader's list."""
    rows = session.execute(LIST.where(Group.id == group_id), {"reader": reader_id}).all()
    return next(iter(complete(session, reader_id, choose_seen(rows))), None)


def complete(session: orm.Session, reader_id: int, rows: Sequence[Any]) -> list[NotificationRow]:
    """With who did it, and the posts that they are about."""
    actors = list_actors(session, {row.actor_id for row in rows})
    about = {row.post_id for row in rows if row.post_id is not None}
    posts = {post.id: post for post in list_posts_by_id(session, about, reader_id)}
    return [
        NotificationRow(
            *(row.id, row.kind, row.cause, row.post_id, row.latest, row.newest > row.read_until),
            *(row.newest, row.seen_count, actors[row.actor_id], posts.get(row.post_id)),
        )
        for row in rows
        if row.actor_id in actors
    ]


def list_actors(session: orm.Session, ids: Collection[int]) -> dict[int, Actor]:
    if not ids:
        return {}
    columns = (User.id, User.nickname, User.display_name, User.email, User.avatar)
    return {row.id: Actor(*row) for row in session.execute(sa.select(*columns).where(User.id.in_(ids)))}


# What is read


def mark_read(session: orm.Session, user_id: int, group_id: int, until: int) -> None:
    """What this person has seen of a line: its notifications up to this id."""
    own = sa.update(Group).where(Group.id == group_id, Group.user_id == user_id)
    mark(session, own, until)


def mark_all_read(session: orm.Session, user_id: int, until: int) -> None:
    """What this person has seen of all lines."""
    unread = sa.select(Group.id).where(Group.user_id == user_id, Group.latest > Group.read_until)
    locked = select_once(unread.order_by(Group.id).with_for_update(key_share=True))
    mark(session, sa.update(Group).where(Group.id.in_(locked)), until)


def mark_read_from(session: orm.Session, user_id: int, kind: str, actor_id: int) -> None:
    """What this person was told of what this actor did. Nothing is done with what another transaction
    changes: nobody is waited for."""
    mine = select_from_actor(user_id, kind, actor_id).where(Group.latest > Group.read_until)
    locked = session.scalars(mine.order_by(Group.id).with_for_update(skip_locked=True)).all()
    if locked:
        own = sa.update(Group).where(Group.id.in_(locked)).values(read_until=Group.latest)
        session.execute(own)


def withdraw_from(session: orm.Session, user_id: int, kind: str, actor_id: int) -> None:
    """What this actor did is no news for this person any more."""
    groups = select_from_actor(user_id, kind, actor_id)
    own = sa.update(Notification).where(
        Notification.group_id.in_(groups), Notification.actor_id == actor_id, sa.not_(Notification.withdrawn)
    )
    session.execute(own.values(withdrawn=True))


def select_from_actor(user_id: int, kind: str, actor_id: int) -> Any:
    by_actor = sa.exists().where(Notification.group_id == Group.id, Notification.actor_id == actor_id)
    return sa.select(Group.id).where(Group.user_id == user_id, Group.kind == kind, by_actor)


def mark(session: orm.Session, groups: Any, until: int) -> None:
    # No further than there is something: what comes is not read yet.
    seen = sa.case((Group.latest < until, Group.latest), else_=until)
    session.execute(groups.where(Group.read_until < seen).values(read_until=seen))


# What is chosen


def list_choices(session: orm.Session, user_id: int) -> dict[tuple[str, str], bool]:
    """Whether they want it, by channel and kind; what they have not chosen is not there."""
    query = sa.select(NoticeChoice.channel, NoticeChoice.kind, NoticeChoice.wanted)
    rows = session.execute(query.where(NoticeChoice.user_id == user_id))
    return {(row.channel, row.kind): row.wanted for row in rows}


def save_choices(session: orm.Session, user_id: int, choices: Mapping[tuple[str, str], bool]) -> None:
    rows = [
        {"user_id": user_id, "channel": channel, "kind": kind, "wanted": wanted}
        for (channel, kind), wanted in sorted(choices.items())
    ]
    insert = build_insert(session, NoticeChoice).values(rows)
    key = [NoticeChoice.user_id, NoticeChoice.kind, NoticeChoice.channel]
    session.execute(insert.on_conflict_do_update(index_elements=key, set_={"wanted": insert.excluded.wanted}))


# What is old


def list_old_groups(session: orm.Session, before: int, limit: int) -> list[int]:
    """Groups in which everything happened before this id, the oldest first."""
    old = sa.select(Group.id).where(Group.id < before, Group.latest < before).order_by(Group.id).limit(limit)
    return list(session.scalars(old))


def delete_notifications(session: orm.Session, group_ids: Collection[int], limit: int) -> int:
    """Delete so many notifications of these groups; returns how many there were."""
    some = sa.select(Notification.group_id, Notification.actor_id)
    some = some.where(Notification.group_id.in_(group_ids)).limit(limit)
    found = session.execute(some).all()
    pairs = sa.tuple_(Notification.group_id, Notification.actor_id)
    if found:
        session.execute(sa.delete(Notification).where(pairs.in_([tuple(row) for row in found])))
    return len(found)


def delete_groups(session: orm.Session, group_ids: Iterable[int], before: int) -> None:
    """Delete groups in which nothing new has happened meanwhile."""
    session.execute(sa.delete(Group).where(Group.id.in_(list(group_ids)), Group.latest < before))
