"""What the commands about people share: who is meant, and how a time is written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import orm

from microblog.accounts import queries
from microblog.db import StaleData
from microblog.errors import OperatorError

MINUTE = "%Y-%m-%d %H:%M UTC"


def require_person(session: orm.Session, nickname: str) -> queries.Owner:
    """:raises OperatorError: when nobody has this nickname."""
    person = queries.get_owner(session, nickname)
    if person is None:
        raise OperatorError(
            f"Nobody here is called {nickname}: find the right nickname at /users/, "
            "or add them with `microblog user add`."
        )
    return person


@contextmanager
def report_deleted_person(person: queries.Owner) -> Iterator[None]:
    """:raises OperatorError: when the person was deleted since `require_person` found them."""
    try:
        yield
    except StaleData:
        raise OperatorError(f"{person.nickname} was deleted meanwhile: nothing was changed.") from None
