"""Every SQL statement about the words of people."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.accounts.models import Nickname, User
from microblog.db import build_insert
from microblog.ids import get_first_id_at
from microblog.people.models import Follow
from microblog.people.queries import PERSON_COLUMNS, PersonRow, is_present_nickname
from microblog.people.visibility import is_blocked
from microblog.posts.models import Post
from microblog.search.people.models import PersonWalk, PersonWord
from microblog.search.people.words import PLACES, RANKS, PeopleQuery, make_words

# Of the people with a word of one rank so many are looked at, those with the very word first; with several
# words as many for all of them together.
CANDIDATES = 200
NOBODY = 0  # the id of nobody
LAST = "\U0010ffff"  # behind all that begins alike
# How well somebody is found: by their very nickname, its beginning, or 2 and the place of the word.
EXACT, BEGINNING, FIRST_PLACE = 0, 1, 2


def is_active(person: Any = User) -> sa.ColumnElement[bool]:
    """A column: did this person join, come here or write since the parameters `since` and `first_id`?"""
    since = sa.bindparam("since", type_=User.last_seen.type)
    newer = Post.id >= sa.bindparam("first_id", type_=sa.BigInteger)
    has_written = sa.select(sa.literal(1)).where(Post.user_id == person.id, newer).exists()
    came = sa.func.coalesce(person.last_seen >= since, sa.false())
    return sa.or_(person.member_since >= since, came, has_written)


def select_texts(since: datetime) -> Any:
    columns = (User.id, User.nickname, User.display_name, User.about_me)
    query = sa.select(*columns, is_active().label("is_active")).order_by(User.id)
    return query.params(since=since, first_id=get_first_id_at(since))


def make_words_of(row: Any) -> dict[str, int]:
    return make_words(row.nickname, row.display_name, row.about_me, is_active=bool(row.is_active))


def write_words(session: orm.Session, ids: Collection[int], since: datetime) -> None:
    """Write the words of these people anew; those who were deleted have none."""
    locked = select_texts(since).where(User.id.in_(ids)).with_for_update(key_share=True, of=User)
    words = [
        {"user_id": row.id, "word": word, "rank": rank}
        for row in session.execute(locked)
        for word, rank in make_words_of(row).items()
    ]
    session.execute(sa.delete(PersonWord).where(PersonWord.user_id.in_(ids)))
    if words:
        session.execute(sa.insert(PersonWord), words)


def find_outdated(
    session: orm.Session, after: int, limit: int, since: datetime
) -> tuple[Sequence[int], Sequence[int]]:
    """The ids of the next people, and of those among them who have other words than they should."""
    people = session.execute(select_texts(since).where(User.id > after).limit(limit)).all()
    ids = [row.id for row in people]
    stored: dict[int, dict[str, int]] = {user_id: {} for user_id in ids}
    words = sa.select(PersonWord.user_id, PersonWord.word, PersonWord.rank)
    for user_id, word, rank in session.execute(words.where(PersonWord.user_id.in_(ids))):
        stored[user_id][word] = rank
    return ids, [row.id for row in people if make_words_of(row) != stored[row.id]]


def get_walk(session: orm.Session, version: str) -> PersonWalk | None:
    return session.get(PersonWalk, version)


def note_walk(
    session: orm.Session, version: str, *, last_id: int, started: int, finished: int | None
) -> None:
    """Note how far the comparison of everybody's words has come; its end ends those of other versions."""
    values = {"last_id": last_id, "started": started, "finished": finished}
    insert = build_insert(session, PersonWalk).values(rule=version, **values)
    session.execute(insert.on_conflict_do_update(index_elements=[PersonWalk.rule], set_=values))
    if finished is not None:
        session.execute(sa.delete(PersonWalk).where(PersonWalk.rule != version))


def find_people(
    session: orm.Session, query: PeopleQuery, *, since: datetime, limit: int, reader_id: int | None
) -> list[PersonRow]:
    """The people in whom all terms are found, in one statement.

    Those who are active since then come first, then those who are found better (by their very nickname, its
    beginning, another word of it, their display name, what they say about themselves), then those with more
    followers.
    """
    dialect = session.get_bind().dialect.name
    statement = build_statement(dialect, len(query.terms), by_nickname=bool(query.nickname))
    values: dict[str, Any] = {"since": since, "first_id": get_first_id_at(since), "limit": limit}
    values["reader"] = reader_id or NOBODY
    for name, text in ("nickname", query.nickname), *((f"term_{n}", t) for n, t in enumerate(query.terms)):
        values |= {name: text, f"{name}_end": f"{text}{LAST}"}
    return [PersonRow(*row) for row in session.execute(statement, values)]


@lru_cache
def build_statement(dialect: str, terms: int, *, by_nickname: bool) -> Any:
    """Built once for each number of terms: that takes longer than to find somebody."""
    candidates = select_candidates(terms, by_nickname=by_nickname).subquery("candidates")
    matched: Any = candidates
    if terms > 1:
        matched = select_places(candidates, dialect, terms).subquery("matched")
    person: Any = User
    is_there = sa.and_(User.id == matched.c.user_id, sa.not_(User.is_gone))
    people = sa.select(matched.c.user_id).join_from(matched, User, is_there)
    if dialect == "postgresql":  # which would rather read everybody than look up a thousand
        everything = sa.select(*PERSON_COLUMNS, User.is_listed, User.is_limited).where(is_there)
        looked_up = everything.limit(1).lateral("person")
        person = looked_up.c
        people = sa.select(matched.c.user_id).join_from(matched, looked_up, sa.true())
    key = sa.func.lower(person.nickname)
    quality: Any = matched.c.quality
    if by_nickname:
        exact = key == sa.bindparam("nickname")
        quality = sa.case((exact, EXACT), (begins_with(key, "nickname"), BEGINNING), else_=quality)
    mine = orm.aliased(Follow)
    i_follow = sa.exists().where(mine.follower_id == sa.bindparam("reader"), mine.followee_id == person.id)
    columns = PERSON_COLUMNS if person is User else [person[column.key] for column in PERSON_COLUMNS]
    people = people.with_only_columns(*columns, i_follow, maintain_column_froms=True)
    is_seen = sa.not_(is_blocked(sa.bindparam("reader", type_=sa.BigInteger), person.id))
    is_listed = sa.and_(person.is_listed, sa.not_(person.is_limited))
    people = people.where(quality.is_not(None), is_listed, is_seen)
    order = (is_active(person).desc(), quality, person.followers_count.desc(), key)
    return people.order_by(*order).limit(sa.bindparam("limit", type_=sa.Integer))


def select_candidates(terms: int, *, by_nickname: bool) -> sa.Select[Any]:
    """People in whom one of the terms is found, and how well: at most `CANDIDATES` of each rank.

    Whoever has them all is among those with the rarest one.
    """
    parts = []
    for term in range(terms):
        for rank in range(RANKS):
            ranked = sa.select(PersonWord.user_id, sa.literal(rank % PLACES + FIRST_PLACE).label("quality"))
            ranked = ranked.where(PersonWord.rank == rank, begins_with(PersonWord.word, f"term_{term}"))
            parts.append(ranked.order_by(PersonWord.word, PersonWord.user_id).limit(CANDIDATES // terms))
    if by_nickname:  # also while the words of existing people are not written yet
        named = sa.select(Nickname.user_id, sa.literal(BEGINNING).label("quality"))
        named = named.join(User, User.id == Nickname.user_id)
        named = named.where(is_present_nickname(), begins_with(Nickname.key, "nickname"))
        parts.append(named.order_by(Nickname.key).limit(CANDIDATES))
    # SQLite takes a limit only for a whole SELECT.
    found = sa.union_all(*(sa.select(part.subquery()) for part in parts)).subquery("found")
    return sa.select(found.c.user_id, sa.func.min(found.c.quality).label("quality")).group_by(found.c.user_id)


def select_places(candidates: Any, dialect: str, terms: int) -> sa.Select[Any]:
    """The candidates, and how well they are found by several terms: the worst of them says it.

    NULL when one of them is not found.
    """
    user_id = candidates.c.user_id
    places = [select_place(f"term_{n}", user_id).scalar_subquery().label(f"place_{n}") for n in range(terms)]
    placed = sa.select(user_id, *places).subquery("placed")
    found = [placed.c[f"place_{n}"] for n in range(terms)]
    worst = (sa.func.greatest if dialect == "postgresql" else sa.func.max)(*found) + FIRST_PLACE
    has_all = sa.and_(*(place.is_not(None) for place in found))
    return sa.select(placed.c.user_id, sa.case((has_all, worst)).label("quality"))


def select_place(name: str, user_id: Any) -> sa.Select[Any]:
    """The best place of a word of this person that begins like the parameter; NULL without one."""
    word = orm.aliased(PersonWord)
    best = sa.func.min(word.rank % PLACES)
    return sa.select(best).where(word.user_id == user_id, begins_with(word.word, name))


def begins_with(column: Any, name: str) -> sa.ColumnElement[bool]:
    """A range of an index, as `LIKE` would not be everywhere; from one parameter to another."""
    return sa.and_(column >= sa.bindparam(name), column < sa.bindparam(f"{name}_end"))
