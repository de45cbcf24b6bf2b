"""The SQL statements about preferences; they are read with the identity."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.accounts.models import User


def save_preferences(session: orm.Session, user_id: int, preferences: str) -> None:
    session.execute(sa.update(User).where(User.id == user_id).values(preferences=preferences))


def replace_preferences(session: orm.Session, user_id: int, before: str, after: str) -> None:
    """Change what nobody has changed meanwhile."""
    unchanged = sa.update(User).where(User.id == user_id, User.preferences == before)
    session.execute(unchanged.values(preferences=after))
