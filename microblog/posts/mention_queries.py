"""Every SQL statement about mentions, and about posts that are still to be read for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.accounts.models import Nickname, User
from microblog.db import build_insert
from microblog.people.visibility import is_blocked
from microblog.posts.models import Backfill, Mention, Post
from microblog.posts.queries import PostRow

NAMES_IN_A_STATEMENT = 5_000


def set_mentions(session: orm.Session, post_id: int, author_id: int, names: Sequence[str]) -> None:
    """Keep whom a post of this author mentions now, by the keys of their nicknames."""
    session.execute(sa.delete(Mention).where(Mention.post_id == post_id))
    add_mentions(session, {post_id: names}, author_id)


def add_mentions(
    session: orm.Session, names: Mapping[int, Sequence[str]], author_id: int | None = None
) -> None:
    """Keep whom these posts mention, by the keys of their nicknames; those that nobody has are left out.

    With `author_id`, of all of them, those are, too, whom one of the two has blocked.
    """
    owners = find_owners(session, {name for keys in names.values() for name in keys}, author_id)
    rows = []
    for post_id, keys in names.items():
        mentioned: dict[int, list[str]] = {}
        for key in keys:
            if key in owners:
                mentioned.setdefault(owners[key], []).append(key)
        rows += [
            {"post_id": post_id, "user_id": user_id, "keys": " ".join(sorted(of_one))}
            for user_id, of_one in mentioned.items()
        ]
    if rows:
        session.execute(build_insert(session, Mention).on_conflict_do_nothing(), rows)


def find_owners(session: orm.Session, keys: Iterable[str], author_id: int | None) -> dict[str, int]:
    """Who has or had these nicknames, as the author sees it; nobody can delete them before this transaction
    ends."""
    owners: dict[str, int] = {}
    ordered = sorted(keys)
    for start in range(0, len(ordered), NAMES_IN_A_STATEMENT):
        some = Nickname.key.in_(ordered[start : start + NAMES_IN_A_STATEMENT])
        query = sa.select(Nickname.key, User.id).join(User, User.id == Nickname.user_id)
        query = query.where(some, sa.not_(User.is_gone), sa.not_(is_blocked(author_id, User.id)))
        lock = query.order_by(User.id).with_for_update(read=True, key_share=True, of=User)
        owners |= {row.key: row.id for row in session.execute(lock)}
    return owners


def load_mentions(
    session: orm.Session, reader_id: int | None, posts: Sequence[PostRow]
) -> dict[int, tuple[tuple[str, str], ...]]:
    """Who is mentioned in these posts: (key of the nickname as written, nickname they have now), sorted."""
    ids = [post.id for post in posts if "@" in post.body]
    if not ids:
        return {}
    query = sa.select(Mention.post_id, Mention.keys, User.nickname).join(User, User.id == Mention.user_id)
    found: dict[int, list[tuple[str, str]]] = {}
    for row in session.execute(query.where(Mention.post_id.in_(ids), sa.not_(User.is_gone))):
        found.setdefault(row.post_id, []).extend((key, row.nickname) for key in row.keys.split(" "))
    return {post_id: tuple(sorted(mentioned)) for post_id, mentioned in found.items()}


def list_backfills(session: orm.Session, names: Sequence[str]) -> list[str]:
    """Those of these backfills that are not finished."""
    return list(session.scalars(sa.select(Backfill.name).where(Backfill.name.in_(names))))


def get_backfill(session: orm.Session, name: str) -> int | None:
    """The id below which posts are left, locked; None when another worker has finished it."""
    return session.scalar(sa.select(Backfill.before).where(Backfill.name == name).with_for_update())


def note_backfill(session: orm.Session, name: str, before: int | None) -> None:
    """Posts below this id are left; None when there are none."""
    if before is None:
        session.execute(sa.delete(Backfill).where(Backfill.name == name))
    else:
        session.execute(sa.update(Backfill).where(Backfill.name == name).values(before=before))


def list_bodies_before(session: orm.Session, before: int, limit: int) -> dict[int, str]:
    """The texts of the newest posts below an id, locked: nobody changes them before this transaction ends."""
    query = sa.select(Post.id, Post.body).where(Post.id < before).order_by(Post.id.desc()).limit(limit)
    return {row.id: row.body for row in session.execute(query.with_for_update(read=True))}
