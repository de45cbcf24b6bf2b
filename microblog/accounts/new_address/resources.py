"""`/new-address/{token}` and `/former-address/{token}`. They load nothing."""

from __future__ import annotations

from microblog.accounts.by_mail.resources import TOKEN, Link
from microblog.tree import Container


class NewAddressLink(Link):
    """Makes a new address the address of an account."""


class FormerAddressLink(Link):
    """Gives an account back the address that it had."""


class NewAddresses(Container):
    def find(self, name: str) -> NewAddressLink | None:
        return NewAddressLink(self, name) if TOKEN.fullmatch(name) else None


class FormerAddresses(Container):
    def find(self, name: str) -> FormerAddressLink | None:
        return FormerAddressLink(self, name) if TOKEN.fullmatch(name) else None
