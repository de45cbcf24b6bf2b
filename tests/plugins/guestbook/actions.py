"""What can be done with the guestbook, in the transaction of the caller."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import orm

from microblog.events import notify
from tests.plugins.guestbook import outbox, queries
from tests.plugins.guestbook.events import Signed


def sign(session: orm.Session, user_id: int, text: str, *, imported: bool = False) -> int:
    """The id of a new signature, whose text has passed `rules.check_signature`."""
    signature_id = queries.add_signature(session, user_id, text, datetime.now(UTC))
    if not imported:
        outbox.write_entry(session, signature_id, text)
    notify(Signed(session=session, imported=imported, user_id=user_id, text=text))
    return signature_id
