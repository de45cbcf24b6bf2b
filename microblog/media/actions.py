"""What can be done with pictures, in the transaction of the caller. Their files are stored before it begins
(`microblog/media/storing.py`), and deleted by the worker after it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import orm

from microblog.db import StaleData
from microblog.ids import get_now
from microblog.media import queries
from microblog.media.plans import POST

if TYPE_CHECKING:
    from microblog.media.storing import StoredPicture

MOST_WAITING = 100  # pictures that somebody has sent and not used, until they are collected


class QuotaExceeded(Exception):
    """The pictures of a person would take more room than they may have."""


class PictureGone(Exception):
    """A picture was used or collected meanwhile, or was never there."""


def keep(
    session: orm.Session, user_id: int, purpose: str, pictures: Sequence[StoredPicture], *, quota: int
) -> None:
    """Keep pictures whose files are stored; they wait for a post or a profile. `quota` is in bytes.

    :raises QuotaExceeded: also when very many wait.
    :raises StaleData: when there is no such person.
    """
    present = queries.lock_bytes(session, user_id)
    if present is None:
        raise StaleData("There is no such person.")
    size = sum(picture.bytes for picture in pictures)
    waiting = queries.count_waiting(session, user_id, MOST_WAITING)
    if present + size > quota or waiting + len(pictures) > MOST_WAITING:
        raise QuotaExceeded
    now = get_now()
    queries.add(
        session,
        [
            {
                "name": picture.name,
                "user_id": user_id,
                "purpose": purpose,
                "post_id": None,
                "width": picture.width,
                "height": picture.height,
                "color": picture.color,
                "bytes": picture.bytes,
                "checksums": picture.checksums,
                "waits_since": now,
            }
            for picture in pictures
        ],
    )


def attach(session: orm.Session, user_id: int, post_id: int, names: Sequence[str]) -> None:
    """These pictures of a person are those of a post of theirs.

    :raises PictureGone: when one of them does not wait any longer.
    """
    if queries.take(session, user_id, names, post_id) != len(names):
        raise PictureGone


def release(session: orm.Session, post_id: int) -> None:
    """The pictures of a post, which is about to be taken back, wait for another one."""
    queries.release(session, post_id, get_now())


def discard(session: orm.Session, user_id: int, names: Sequence[str]) -> None:
    """Delete these pictures of a person, which wait; harmless for those that do not, or are gone."""
    queries.delete_waiting(session, user_id, names)


def set_portrait(session: orm.Session, user_id: int, purpose: str, name: str | None) -> None:
    """Make a picture that waits the avatar or header of a person, or, with None, have none. The one before is
    deleted.

    :raises PictureGone: when it does not wait any longer.
    """
    assert purpose != POST  # noqa: S101  # a mistake of the caller
    if name is not None and queries.take(session, user_id, [name], None) != 1:
        raise PictureGone
    before = queries.set_portrait(session, user_id, purpose, name)
    if before is not None:
        queries.delete(session, user_id, [before])
