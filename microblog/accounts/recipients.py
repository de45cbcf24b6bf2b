"""What mails need to know of a person (`microblog/mail/interfaces.py`)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm
from zope.interface import implementer

from microblog.accounts.models import AddressConfirmation, User
from microblog.mail.interfaces import IRecipients, Recipient
from microblog.web.languages import read_preferences

IS_CONFIRMED = sa.or_(AddressConfirmation.user_id.is_(None), AddressConfirmation.confirmed.is_not(None))
SELECT_RECIPIENTS = sa.select(
    *(User.id, User.nickname, User.display_name, User.email),
    *(IS_CONFIRMED.label("is_confirmed"), User.preferences),
).outerjoin(AddressConfirmation, AddressConfirmation.user_id == User.id)
FIND_RECIPIENT = SELECT_RECIPIENTS.where(User.id == sa.bindparam("person"))


@implementer(IRecipients)
class Recipients:
    """Asks the table of people."""

    def find_recipient(self, session: orm.Session, user_id: int) -> Recipient | None:
        row = session.execute(FIND_RECIPIENT, {"person": user_id}).one_or_none()
        return None if row is None else make_recipient(row)

    def find_recipients(self, session: orm.Session, user_ids: Collection[int]) -> dict[int, Recipient]:
        if not user_ids:
            return {}
        rows = session.execute(SELECT_RECIPIENTS.where(User.id.in_(user_ids)))
        return {row.id: make_recipient(row) for row in rows}


def make_recipient(row: Any) -> Recipient:
    return Recipient(
        user_id=row.id,
        nickname=row.nickname,
        display_name=row.display_name,
        email=row.email,
        is_confirmed=row.is_confirmed,
        language=read_preferences(row.preferences).get("language", ""),
    )
