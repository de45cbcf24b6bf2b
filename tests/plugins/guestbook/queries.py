"""Every SQL statement about signatures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.accounts.models import User
from microblog.paging import Cursor, select_page
from microblog.posts.models import Post
from tests.plugins.guestbook.models import Signature


def add_signature(session: orm.Session, user_id: int, text: str, signed: datetime) -> int:
    statement = sa.insert(Signature).values(user_id=user_id, text=text, signed=signed)
    return session.scalars(statement.returning(Signature.id)).one()


def list_signatures(session: orm.Session) -> Sequence[sa.Row[str, str, datetime]]:
    """`nickname`, `text` and `signed`, the newest first."""
    query = sa.select(User.nickname, Signature.text, Signature.signed)
    return session.execute(query.join(User).order_by(Signature.id.desc()).limit(100)).all()


def count_signatures(session: orm.Session) -> int:
    return session.scalars(sa.select(sa.func.count()).select_from(Signature)).one()


def list_newest_posts(session: orm.Session, cursor: Cursor, limit: int) -> list[int]:
    """Ids, as `ISearch.search` gives them."""
    return list(session.scalars(select_page(sa.select(Post.id), Post.id, cursor, limit)))


def delete_signatures(session: orm.Session, before: datetime) -> None:
    session.execute(sa.delete(Signature).where(Signature.signed < before))
