"""The identity of the sender of a request."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Identity:
    """Who sends the request; `session` is the hash of the session's token, "" without a session.

    `preferences` is how they want to see the pages, as `microblog/web/languages.py` reads it. `muted_words`,
    one on a line, and `only_read_languages` filter their home timeline. `avatar` is the name of their
    picture.
    """

    id: int
    nickname: str
    email: str | None
    is_admin: bool
    session: str
    seen: datetime
    preferences: str = ""
    muted_words: str = ""
    only_read_languages: bool = False
    avatar: str | None = None
    is_moderator: bool = False


def hash_token(token: str) -> str:
    """The hash by which the database knows the token of a session."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
