"""Every SQL statement about private messages. Each of them names the owner of what it reads."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.accounts.models import Nickname, User
from microblog.accounts.queries import lock_people
from microblog.db import build_insert
from microblog.ids import get_timestamp, new_id
from microblog.messages.models import Message, MessageSenders, MessageThread
from microblog.messages.rules import EVERYBODY
from microblog.paging import Cursor, select_page
from microblog.people.models import Block, Follow
from microblog.people.visibility import is_related, is_unseen
from microblog.posts.queries import READER

MOST_UNREAD = 100  # threads that are counted


@dataclass(frozen=True, slots=True)
class ThreadRow:
    """A thread in the list of its owner. The other one has no `nickname` when their account is gone."""

    id: int
    nickname: str | None
    display_name: str
    email: str | None
    avatar: str | None
    last_id: int
    is_mine: bool
    text: str
    is_unread: bool

    @property
    def written(self) -> datetime:
        return get_timestamp(self.last_id)


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A message of a thread."""

    id: int
    is_mine: bool
    text: str

    @property
    def written(self) -> datetime:
        return get_timestamp(self.id)


@dataclass(frozen=True, slots=True)
class OwnThread:
    """A thread of somebody; `person_id` is the other one, None when nothing is left of their account."""

    owner_id: int
    id: int
    person_id: int | None
    received_id: int
    read_id: int


OWN_THREAD = (
    *(MessageThread.owner_id, MessageThread.id, MessageThread.person_id),
    *(MessageThread.received_id, MessageThread.read_id),
)


def list_threads(session: orm.Session, owner_id: int, cursor: Cursor, limit: int) -> list[ThreadRow]:
    """The threads of somebody, by their last message, the newest first.

    The page is chosen before anything is joined: PostgreSQL does not know that there is one last message for
    each thread, and would read the threads of all pages.
    """
    columns = sa.select(*OWN_THREAD, MessageThread.last_id).where(MessageThread.owner_id == owner_id)
    page = select_page(columns, MessageThread.last_id, cursor, limit).subquery()
    is_last = sa.and_(
        Message.owner_id == page.c.owner_id, Message.thread_id == page.c.id, Message.id == page.c.last_id
    )
    # Until the worker has removed all that is left of somebody, their row stays (docs/adr/0054).
    is_there = sa.not_(User.is_gone)
    is_new = sa.and_(page.c.received_id > page.c.read_id, sa.not_(is_unseen(owner_id, page.c.person_id)))
    query = (
        sa.select(
            *(page.c.id, sa.case((is_there, User.nickname)), sa.func.coalesce(User.display_name, "")),
            *(User.email, User.avatar),
            *(page.c.last_id, Message.is_mine, Message.message_text, is_new),
        )
        .select_from(page)
        .join(Message, is_last)
        .outerjoin(User, User.id == page.c.person_id)
    )
    ascending = cursor.after is not None
    ordered = query.order_by(page.c.last_id if ascending else page.c.last_id.desc())
    return [ThreadRow(*row) for row in session.execute(ordered)]


def is_unread() -> sa.ColumnElement[bool]:
    """A condition: has the owner got what they have not read? That of a partial index."""
    return MessageThread.received_id > MessageThread.read_id


def build_count() -> Any:
    """How many threads have something that `READER` has not read, but for those with people whom they have
    muted or blocked. Of the newest `MOST_UNREAD`, which are read from a partial index.
    """
    newest = (
        sa.select(MessageThread.person_id)
        .where(MessageThread.owner_id == READER, is_unread())
        .order_by(MessageThread.last_id.desc())
        .limit(MOST_UNREAD)
        .subquery()
    )
    seen = sa.not_(is_unseen(READER, newest.c.person_id))
    return sa.select(sa.func.count()).select_from(newest).where(seen)


COUNT = build_count()


def count_unread(session: orm.Session, user_id: int) -> int:
    """The number of the header, of one person."""
    return session.scalar(COUNT, {"reader": user_id}) or 0


def count_unread_from(session: orm.Session, owner_id: int, person_ids: Collection[int]) -> dict[int, int]:
    """How many messages of each of these people somebody has not read, of which no more than `MOST_UNREAD`
    are counted."""
    unread: Any = sa.select(sa.literal_column("1").label("one")).where(
        *(Message.owner_id == MessageThread.owner_id, Message.thread_id == MessageThread.id),
        *(Message.id > MessageThread.read_id, sa.not_(Message.is_mine)),
    )
    some = unread.correlate(MessageThread).limit(MOST_UNREAD).subquery()
    count = sa.select(sa.func.count()).select_from(some).scalar_subquery()
    # Not by IN, for which SQLite without statistics looks through all threads of the owner.
    threads = (
        sa.and_(MessageThread.owner_id == owner_id, MessageThread.person_id == person_id)
        for person_id in sorted(person_ids)
    )
    query = sa.select(MessageThread.person_id, count).where(sa.or_(*threads))
    return {row[0]: row[1] for row in session.execute(query)}


def get_thread(session: orm.Session, owner_id: int, person_id: int) -> OwnThread | None:
    """The thread of somebody with this person."""
    query = sa.select(*OWN_THREAD)
    mine = query.where(MessageThread.owner_id == owner_id, MessageThread.person_id == person_id)
    row = session.execute(mine).one_or_none()
    return None if row is None else OwnThread(*row)


def get_abandoned_thread(session: orm.Session, owner_id: int, thread_id: int) -> OwnThread | None:
    """A thread of somebody whose other one has deleted their account."""
    query = sa.select(*OWN_THREAD).where(MessageThread.owner_id == owner_id, MessageThread.id == thread_id)
    is_gone = sa.exists().where(User.id == MessageThread.person_id, User.is_gone)
    row = session.execute(query.where(MessageThread.person_id.is_(None) | is_gone)).one_or_none()
    return None if row is None else OwnThread(*row)


def list_messages(session: orm.Session, thread: OwnThread, cursor: Cursor, limit: int) -> list[MessageRow]:
    """The messages of a thread, as its owner has it, the newest first."""
    page = select_page(select_messages(thread), Message.id, cursor, limit)
    return [MessageRow(*row) for row in session.execute(page)]


def get_message(session: orm.Session, thread: OwnThread, message_id: int) -> MessageRow | None:
    row = session.execute(select_messages(thread).where(Message.id == message_id)).one_or_none()
    return None if row is None else MessageRow(*row)


def select_messages(thread: OwnThread) -> Any:
    columns = sa.select(Message.id, Message.is_mine, Message.message_text)
    return columns.where(Message.owner_id == thread.owner_id, Message.thread_id == thread.id)


def get_relation(session: orm.Session, author_id: int, recipient_id: int) -> dict[str, Any]:
    """What decides whether the one may write to the other: arguments of `rules.find_refusal`."""
    author, recipient = (sa.literal(each, sa.BigInteger) for each in (author_id, recipient_id))
    senders = sa.select(MessageSenders.senders).where(MessageSenders.user_id == recipient_id)
    sent = sa.select(MessageThread.sent_id).where(
        MessageThread.owner_id == recipient_id, MessageThread.person_id == author_id
    )
    row = session.execute(
        sa.select(
            is_related(Block.blocker_id, author, Block.blocked_id, recipient).label("i_block"),
            is_related(Block.blocker_id, recipient, Block.blocked_id, author).label("blocks_me"),
            sa.func.coalesce(senders.scalar_subquery(), EVERYBODY).label("senders"),
            is_related(Follow.follower_id, recipient, Follow.followee_id, author).label("follows_me"),
            (sa.func.coalesce(sent.scalar_subquery(), 0) > 0).label("has_written_to_me"),
        )
    ).one()
    return dict(row._mapping)


def find_nicknames(session: orm.Session, keys: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """(key, nickname that its person has now) of those of these keys that somebody has or had, sorted."""
    query = sa.select(Nickname.key, User.nickname).join(User, User.id == Nickname.user_id)
    return tuple(
        sorted((row.key, row.nickname) for row in session.execute(query.where(Nickname.key.in_([*keys]))))
    )


def lock_owner(session: orm.Session, owner_id: int) -> None:
    """Keep everything else about this person's messages from happening before this transaction ends.

    :raises StaleData: when they were deleted.
    """
    lock_people(session, [owner_id])


def add_message(session: orm.Session, author_id: int, recipient_id: int, body: str) -> tuple[int, int]:
    """Add a message for both, who are locked; returns the ids of the thread and of the message.

    The thread has the id by which one of the two has it, if any. The message has a larger id than those
    before, also where the clocks of two machines differ.
    """
    pair = {author_id, recipient_id}
    query = sa.select(MessageThread.id, MessageThread.last_id).where(
        MessageThread.owner_id.in_(pair), MessageThread.person_id.in_(pair)
    )
    rows = session.execute(query).all()
    thread_id = rows[0].id if rows else new_id()
    message_id = max([new_id(), *(row.last_id + 1 for row in rows)])
    for owner_id, person_id in sorted(((author_id, recipient_id), (recipient_id, author_id))):
        is_mine = owner_id == author_id
        newest = {"last_id": message_id}
        # Who answers has read what they answer.
        newest |= {"sent_id": message_id, "read_id": message_id} if is_mine else {"received_id": message_id}
        insert = build_insert(session, MessageThread).values(
            owner_id=owner_id, id=thread_id, person_id=person_id, **newest
        )
        session.execute(
            insert.on_conflict_do_update(
                index_elements=[MessageThread.owner_id, MessageThread.person_id], set_=newest
            )
        )
        session.execute(
            sa.insert(Message).values(
                owner_id=owner_id, thread_id=thread_id, id=message_id, is_mine=is_mine, message_text=body
            )
        )
    return thread_id, message_id


def get_person_id(session: orm.Session, owner_id: int, thread_id: int) -> int | None:
    """With whom the owner has this thread."""
    query = sa.select(MessageThread.person_id)
    return session.scalar(query.where(MessageThread.owner_id == owner_id, MessageThread.id == thread_id))


def delete_message(session: orm.Session, owner_id: int, thread_id: int, message_id: int) -> bool:
    """Delete a message of this owner; True if there was one."""
    own = sa.delete(Message).where(
        Message.owner_id == owner_id, Message.thread_id == thread_id, Message.id == message_id
    )
    result: Any = session.execute(own)
    return bool(result.rowcount)


def forget_deleted(session: orm.Session, owner_id: int, thread_id: int, message_id: int) -> bool:
    """Correct the row of a thread of which a message was deleted; True when none is left, and it is gone.

    Who deletes a message has read it, and those before it.
    """
    newest = sa.select(sa.func.max(Message.id))
    last_id = session.scalar(newest.where(Message.owner_id == owner_id, Message.thread_id == thread_id))
    if last_id is None:
        delete_thread(session, owner_id, thread_id)
        return True
    own = sa.update(MessageThread).where(MessageThread.owner_id == owner_id, MessageThread.id == thread_id)
    is_newer = MessageThread.read_id > message_id
    read_id = sa.case((is_newer, MessageThread.read_id), else_=message_id)
    session.execute(own.values(last_id=last_id, read_id=read_id))
    return False


def delete_thread(session: orm.Session, owner_id: int, thread_id: int) -> bool:
    """Delete a thread of this owner, and by a cascade its messages; True if there was one."""
    own = sa.delete(MessageThread).where(MessageThread.owner_id == owner_id, MessageThread.id == thread_id)
    result: Any = session.execute(own)
    return bool(result.rowcount)


def get_read_id(session: orm.Session, owner_id: int, thread_id: int) -> int:
    """Up to which message the owner has read the thread; 0 when they have read nothing of it."""
    query = sa.select(MessageThread.read_id)
    mine = query.where(MessageThread.owner_id == owner_id, MessageThread.id == thread_id)
    return session.scalar(mine) or 0


def mark_read(session: orm.Session, owner_id: int, thread_id: int, message_id: int) -> None:
    """The owner has read the thread up to this message. Nothing is done while another transaction changes
    it: this one holds locks of other people's rows, and waits for nobody (`background/deferred.py`).
    """
    unread = sa.select(MessageThread.id).where(
        MessageThread.owner_id == owner_id, MessageThread.id == thread_id, MessageThread.read_id < message_id
    )
    if session.scalar(unread.with_for_update(skip_locked=True)) is not None:
        own = sa.update(MessageThread).where(
            MessageThread.owner_id == owner_id, MessageThread.id == thread_id
        )
        session.execute(own.values(read_id=message_id))


def get_senders(session: orm.Session, user_id: int) -> str:
    """Who may write to this person: one of `rules.SENDERS`."""
    query = sa.select(MessageSenders.senders).where(MessageSenders.user_id == user_id)
    return session.scalar(query) or EVERYBODY


def set_senders(session: orm.Session, user_id: int, senders: str) -> None:
    if senders == EVERYBODY:
        session.execute(sa.delete(MessageSenders).where(MessageSenders.user_id == user_id))
        return
    insert = build_insert(session, MessageSenders).values(user_id=user_id, senders=senders)
    session.execute(
        insert.on_conflict_do_update(index_elements=[MessageSenders.user_id], set_={"senders": senders})
    )


@dataclass(frozen=True, slots=True)
class WrongThreads:
    """How many rows of threads do not name their newest message, and the owner of the first."""

    rows: int
    first: int | None


def find_wrong_threads(session: orm.Session) -> WrongThreads:
    """Read all rows of threads, and look up the newest message of each."""
    newest = (
        sa.select(sa.func.max(Message.id))
        .where(Message.owner_id == MessageThread.owner_id, Message.thread_id == MessageThread.id)
        .correlate(MessageThread)
        .scalar_subquery()
    )
    query = sa.select(sa.func.count(), sa.func.min(MessageThread.owner_id))
    wrong = sa.func.coalesce(newest, 0) != MessageThread.last_id
    return WrongThreads(*session.execute(query.where(wrong)).one())
