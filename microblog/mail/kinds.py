"""Kinds of mails to people: which templates they are made of, and who may switch them off."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class MailKind:
    """One kind of mails; `add_mail_kind` explains the options."""

    name: str
    folder: str
    label: str
    is_switchable: bool = True
    only_confirmed: bool = True
    is_secret: bool = False
    for_admins: bool = False
    lasts: timedelta | None = None


class MailKinds(dict[str, MailKind]):
    """The registered kinds by name, in the order in which rooms added them."""

    def list_switchable(self, *, by_admin: bool) -> list[MailKind]:
        """Those that a person, or an admin, can switch off."""
        return [kind for kind in self.values() if kind.is_switchable and (by_admin or not kind.for_admins)]
