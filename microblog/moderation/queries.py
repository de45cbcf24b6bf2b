"""Every SQL statement of moderation."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.accounts import queries as accounts
from microblog.accounts.departure_queries import lock_in_order
from microblog.accounts.models import AddressConfirmation, Nickname, User
from microblog.accounts.nicknames import NOT_ALLOWED, make_nickname_key
from microblog.db import Database, build_insert
from microblog.ids import get_timestamp, new_id, to_timestamp
from microblog.moderation.models import HIDES, RETURNS, AuditEntry, ReportCase, Suspension
from microblog.moderation.rules import Role
from microblog.paging import Cursor, Found, KeyCursor, look_through, select_page
from microblog.people.queries import BEHIND_ALL
from microblog.posts.models import Post

ROWS_AT_ONCE: Final = 1000  # of an export

COLUMNS = tuple(
    getattr(AuditEntry, name)
    for name in (
        *("id", "actor_id", "actor", "action", "person_id", "person"),
        *("subject", "reason", "said", "before", "after"),
    )
)


@dataclass(frozen=True, slots=True)
class AuditRow:
    """See `AuditEntry`."""

    id: int
    actor_id: int | None
    actor: str
    action: str
    person_id: int | None
    person: str
    subject: str
    reason: str
    said: str
    before: str
    after: str

    @property
    def done(self) -> datetime:
        return get_timestamp(self.id)

    @property
    def text(self) -> str:
        """Of the post that it was about, as it was before; empty when it was about none."""
        return str(json.loads(self.before).get("text", ""))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries: those by an actor and about a person, by any nickname that these have or had, and of an
    action. None is all."""

    actor: str | None = None
    person: str | None = None
    action: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What is recorded: see `AuditEntry`. `actor_id` is None for the command line."""

    action: str
    actor_id: int | None
    person_id: int | None = None
    subject: str = ""
    reason: str = ""
    said: str = ""
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)


def record(session: orm.Session, deed: Deed) -> int:
    """Write an entry of the audit trail, in the transaction of what is done; returns its id."""
    ids = {each for each in (deed.actor_id, deed.person_id) if each is not None}
    found = session.execute(sa.select(User.id, User.nickname).where(User.id.in_(ids)))
    names: dict[int | None, str] = {each: make_nickname_key(nickname) for each, nickname in found}
    entry_id = new_id()
    entry = {
        "id": entry_id,
        "actor": names.get(deed.actor_id, ""),
        "person": names.get(deed.person_id, ""),
        "before": dump(deed.before),
        "after": dump(deed.after),
    }
    same = ("action", "actor_id", "person_id", "subject", "reason", "said")
    entry |= {name: getattr(deed, name) for name in same}
    session.execute(sa.insert(AuditEntry).values(entry))
    return entry_id


def dump(values: Mapping[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False, sort_keys=True)


def list_audit(session: orm.Session, wanted: Wanted, cursor: Cursor, limit: int) -> list[AuditRow]:
    """A page of the entries, the latest first."""
    query = sa.select(*COLUMNS)
    for name, own_id, own_name in (
        (wanted.actor, AuditEntry.actor_id, AuditEntry.actor),
        (wanted.person, AuditEntry.person_id, AuditEntry.person),
    ):
        if name is not None:
            if NOT_ALLOWED.search(name):  # nobody is called like this, and PostgreSQL knows no NUL
                return []
            key = make_nickname_key(name)
            # Of somebody who is here all entries, whatever their nickname was.
            owner = accounts.find_owner_id(session, key) or accounts.GONE
            query = query.where(own_name == key if owner == accounts.GONE else own_id == owner)
    if wanted.action is not None:
        query = query.where(AuditEntry.action == wanted.action)
    return [AuditRow(*row) for row in session.execute(select_page(query, AuditEntry.id, cursor, limit))]


def walk_audit(database: Database) -> Iterator[AuditRow]:
    """All entries, the first ones first, some at a time."""
    last = 0
    while True:
        with database.read() as session:
            query = sa.select(*COLUMNS).where(AuditEntry.id > last).order_by(AuditEntry.id)
            rows = [AuditRow(*row) for row in session.execute(query.limit(ROWS_AT_ONCE))]
        yield from rows
        if len(rows) < ROWS_AT_ONCE:
            return
        last = rows[-1].id


# People


def get_role(session: orm.Session, user_id: int) -> Role | None:
    """None when there is no such person, or they have deleted their account."""
    query = sa.select(User.id, User.is_admin, User.is_moderator).where(
        User.id == user_id, User.nickname != ""
    )
    row = session.execute(query).one_or_none()
    return None if row is None else Role(*row)


@dataclass(frozen=True, slots=True)
class ModeratedPerson:
    """What moderators see of somebody: `suspended` is when it was done, and `said` what they were told."""

    id: int
    nickname: str
    display_name: str
    email: str | None
    member_since: datetime
    last_seen: datetime | None
    posts_count: int
    followers_count: int
    following_count: int
    is_admin: bool
    is_moderator: bool
    is_limited: bool
    avatar: str | None
    header: str | None
    is_unconfirmed: bool
    suspended_at: int | None
    said: str | None

    @property
    def suspended(self) -> datetime | None:
        return None if self.suspended_at is None else to_timestamp(self.suspended_at)

    @property
    def role(self) -> Role:
        return Role(self.id, self.is_admin, self.is_moderator)


# Of those who have signed up by themselves and not shown yet that the address is theirs.
UNCONFIRMED = sa.select(AddressConfirmation.user_id).where(AddressConfirmation.confirmed.is_(None))
IS_UNCONFIRMED = UNCONFIRMED.where(AddressConfirmation.user_id == User.id).correlate(User).exists()
PERSON_COLUMNS = (
    *(User.id, User.nickname, User.display_name, User.email, User.member_since, User.last_seen),
    *(User.posts_count, User.followers_count, User.following_count, User.is_admin, User.is_moderator),
    *(User.is_limited, User.avatar, User.header, IS_UNCONFIRMED.label("is_unconfirmed")),
    *(Suspension.since, Suspension.said),
)


def select_people(*, suspended: bool = False) -> Any:
    """Everybody who has not deleted their account, whether or not others see them; or who is `suspended`."""
    is_theirs = sa.and_(Suspension.user_id == User.id, Suspension.state != RETURNS)
    query = sa.select(*PERSON_COLUMNS).select_from(User).join(Suspension, is_theirs, isouter=not suspended)
    return query.where(User.nickname != "")


def get_person(session: orm.Session, nickname: str) -> ModeratedPerson | None:
    """The person who has or had this nickname."""
    if NOT_ALLOWED.search(nickname):
        return None
    query = select_people().join(Nickname, Nickname.user_id == User.id)
    row = session.execute(query.where(Nickname.key == make_nickname_key(nickname))).one_or_none()
    return None if row is None else ModeratedPerson(*row)


# Which people are listed. The few are found by an index; of the others newer accounts are looked through.
NEW, SILENT, LIMITED, SUSPENDED, REPORTED, NEVER_CONFIRMED = PEOPLE_STATES = (
    *("new", "silent", "limited", "suspended", "reported", "unconfirmed"),
)
DAYS_NEW: Final = 7
MOST_NEW: Final = 1000
MOST_CASES: Final = 1000  # that are open: of more, the latest ones
MOST_ALIKE: Final = 500  # nicknames with one beginning: of more, the first ones
PAGES_LOOKED_THROUGH: Final = (2, 20)


def list_people(
    session: orm.Session, beginning: str, state: str, now: datetime, cursor: KeyCursor[int], limit: int
) -> Found[ModeratedPerson]:
    """The people whose nickname begins like this, of one state or (empty) of all, the newest first."""
    query, order = select_people(), User.id
    if state == SUSPENDED:
        query, order = select_people(suspended=True), Suspension.user_id
    elif state == NEW:
        since = now - timedelta(days=DAYS_NEW)
        new = sa.select(User.id).where(User.member_since >= since).order_by(User.member_since.desc())
        newest = new.limit(MOST_NEW).subquery()
        query = query.where(User.id.in_(sa.select(newest.c.id)))
    elif state == LIMITED:
        query = query.where(User.is_limited)
    elif state == REPORTED:
        open_cases = sa.select(ReportCase.person_id).where(ReportCase.closed.is_(None))
        latest = open_cases.order_by(ReportCase.id.desc()).limit(MOST_CASES)
        query = query.where(User.id.in_(set(session.scalars(latest))))
    if beginning:
        key = make_nickname_key(beginning)
        like = Nickname.key.between(key, f"{key}{BEHIND_ALL}")
        first = sa.select(Nickname.user_id).where(like).order_by(Nickname.key).limit(MOST_ALIKE)
        query = query.where(User.id.in_(session.scalars(first).all()))

    def read(candidates: int) -> list[ModeratedPerson]:
        rows = session.execute(select_page(query, order, cursor, candidates))
        return [ModeratedPerson(*row) for row in rows]

    def choose(people: Sequence[ModeratedPerson]) -> list[ModeratedPerson]:
        return [each for each in people if CHOICES[state](each)]

    if state not in CHOICES:
        return Found(read(limit))
    return look_through(read, choose, attrgetter("id"), limit, pages=PAGES_LOOKED_THROUGH)


CHOICES: Final[Mapping[str, Callable[[ModeratedPerson], bool]]] = {
    SILENT: lambda person: person.posts_count == 0,
    NEVER_CONFIRMED: lambda person: person.is_unconfirmed,
}


# Posts


@dataclass(frozen=True, slots=True)
class CasePost:
    """A post as moderators see it."""

    id: int
    body: str
    hidden: int | None
    author_id: int
    author: str
    reply_to: int | None
    replies_count: int
    likes_count: int
    boosts_count: int

    @property
    def created(self) -> datetime:
        return get_timestamp(self.id)


POST_COLUMNS = (
    *(Post.id, Post.body, Post.hidden, Post.user_id, User.nickname, Post.reply_to),
    *(Post.replies_count, Post.likes_count, Post.boosts_count),
)


def select_posts() -> Any:
    return sa.select(*POST_COLUMNS).join(User, User.id == Post.user_id)


def list_posts(
    session: orm.Session, user_id: int, cursor: KeyCursor[int], limit: int, *, since: int = 0
) -> list[CasePost]:
    """A page of the posts of somebody from this id on, hidden ones too, the latest first."""
    query = select_posts().where(Post.user_id == user_id, Post.id >= since)
    return [CasePost(*row) for row in session.execute(select_page(query, Post.id, cursor, limit))]


PAGES_OF_TEXTS: Final = (10, 200)


def list_posts_with(
    session: orm.Session, is_wanted: Callable[[str], bool], cursor: KeyCursor[int], limit: int
) -> Found[CasePost]:
    """A page of the posts with a text that is wanted, the latest first. Some thousand are looked through."""

    def read(candidates: int) -> Sequence[Any]:
        return session.execute(select_page(sa.select(Post.id, Post.body), Post.id, cursor, candidates)).all()

    def choose(rows: Sequence[Any]) -> list[Any]:
        return [row for row in rows if is_wanted(row.body)]

    found = look_through(read, choose, attrgetter("id"), limit, pages=PAGES_OF_TEXTS)
    posts = {post.id: post for post in list_posts_by_id(session, [row.id for row in found])}
    rows = (posts[row.id] for row in found if row.id in posts)
    return Found(rows, looked_until=found.looked_until)


def list_posts_by_id(session: orm.Session, ids: Sequence[int]) -> list[CasePost]:
    """Those of these posts that are there, the latest first."""
    query = select_posts().where(Post.id.in_(ids)).order_by(Post.id.desc())
    return [CasePost(*row) for row in session.execute(query)]


def find_authors(session: orm.Session, ids: Sequence[int]) -> dict[int, list[int]]:
    """Of these posts those that are there, by their authors."""
    found: dict[int, list[int]] = {}
    for post in reversed(list_posts_by_id(session, ids)):
        found.setdefault(post.author_id, []).append(post.id)
    return found


def list_posts_to_change(
    session: orm.Session, user_id: int, ids: Sequence[int], hidden: Sequence[int | None]
) -> list[CasePost]:
    """Those of these posts of somebody that are hidden in one of these ways (None: not at all)."""
    query = select_posts().where(Post.user_id == user_id, Post.id.in_(ids)).order_by(Post.id)
    return [CasePost(*row) for row in session.execute(query) if row.hidden in hidden]


def mark_posts(session: orm.Session, ids: Sequence[int], hidden: int | None) -> None:
    rows = session.execute(sa.select(Post.id, Post.reply_to, Post.user_id).where(Post.id.in_(ids))).all()
    affected = [
        ("posts", {each for row in rows for each in row[:2]}),
        ("users", {row.user_id for row in rows}),
    ]
    lock_in_order(session, affected)
    session.execute(sa.update(Post).where(Post.id.in_(ids)).values(hidden=hidden))


def add_suspension(session: orm.Session, user_id: int, *, since: int, said: str) -> None:
    """The worker hides what counts of them; also of somebody to whom it is giving that back yet."""
    values = {"since": since, "said": said, "state": HIDES, "position": 0}
    insert = build_insert(session, Suspension).values(user_id=user_id, **values)
    session.execute(insert.on_conflict_do_update(index_elements=[Suspension.user_id], set_=values))


def end_suspension(session: orm.Session, user_id: int) -> bool:
    """The worker gives back what counts of them; False when they are not suspended."""
    query = sa.update(Suspension).where(Suspension.user_id == user_id, Suspension.state != RETURNS)
    return session.scalar(query.values(state=RETURNS, position=0).returning(Suspension.user_id)) is not None


def drop_suspension(session: orm.Session, user_id: int) -> bool:
    """Somebody is to be deleted: nothing of them is given back. False when they are not suspended."""
    query = sa.delete(Suspension).where(Suspension.user_id == user_id).returning(Suspension.state)
    state = session.scalar(query)
    return state is not None and state != RETURNS


def find_suspension(session: orm.Session, user_id: int) -> str | None:
    """What somebody was told who is suspended; None when they are not."""
    query = sa.select(Suspension.said).where(Suspension.user_id == user_id, Suspension.state != RETURNS)
    return session.scalar(query)
