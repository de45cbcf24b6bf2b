"""`/users/`, `/users/{nickname}` and `/avatars/{key}.svg`."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from pyramid.authorization import Allow, Authenticated, Deny

from microblog.accounts.models import NICKNAME_LENGTH
from microblog.accounts.nicknames import LEAST_CHARACTERS, NOT_ALLOWED
from microblog.i18n import _
from microblog.people import queries
from microblog.people.avatars import KEY_CHARACTERS
from microblog.people.rules import CANNOT_BLOCK_ONESELF, CANNOT_FOLLOW_ONESELF, CANNOT_MUTE_ONESELF
from microblog.request import Request
from microblog.tree import Container, Resource

NOT_ONESELF = {
    "follow": CANNOT_FOLLOW_ONESELF,
    "unfollow": CANNOT_FOLLOW_ONESELF,
    "block": CANNOT_BLOCK_ONESELF,
    "unblock": CANNOT_BLOCK_ONESELF,
    "mute": CANNOT_MUTE_ONESELF,
    "unmute": CANNOT_MUTE_ONESELF,
}
ONLY_OWN_MENTIONS = _("Where people are mentioned is shown to themselves only.")
AVATAR_NAME = re.compile(rf"([0-9a-f]{{{KEY_CHARACTERS}}})\.svg")


class Person(Resource):
    """A person, found by a present or former nickname."""

    def __init__(self, parent: Resource, person: queries.PersonRow) -> None:
        super().__init__(parent, person.nickname)
        self.person = person

    @property
    def __acl__(self) -> list[Any]:
        return [
            (Deny, f"user:{self.person.id}", "follow"),
            (Allow, f"user:{self.person.id}", "see_own"),
            (Allow, Authenticated, "follow"),
        ]

    def why_forbidden(self, request: Request) -> str | None:
        """Why somebody is refused; our pages never send such a request."""
        if request.view_name == "mentions":
            return ONLY_OWN_MENTIONS
        return NOT_ONESELF.get(request.view_name) if request.reader_id == self.person.id else None


class BlockedPerson(Resource):
    """A person whom the reader does not see, since one of them has blocked the other."""

    __acl__: ClassVar[list[Any]] = [(Allow, Authenticated, "follow")]

    def __init__(self, parent: Resource, person: queries.PersonRow) -> None:
        super().__init__(parent, person.nickname)
        self.person = person


class SuspendedPerson(Resource):
    """A person whom nobody sees, since a moderator has suspended them."""


class Users(Container):
    __acl__: ClassVar[list[Any]] = [(Allow, Authenticated, "mention")]

    def find(self, name: str) -> Person | BlockedPerson | SuspendedPerson | None:
        if not LEAST_CHARACTERS <= len(name) <= NICKNAME_LENGTH or NOT_ALLOWED.search(name):
            return None
        person = queries.get_person(self.request.dbsession, name, self.request.reader_id)
        if person is None:
            return None
        if person.is_suspended:
            return SuspendedPerson(self, name)
        is_blocked = person.i_block or person.blocks_me
        return BlockedPerson(self, person) if is_blocked else Person(self, person)


class Avatar(Resource):
    def __init__(self, parent: Resource, name: str, key: str) -> None:
        super().__init__(parent, name)
        self.key = key


class Avatars(Container):
    """Loads nothing: an avatar is drawn from its name."""

    def find(self, name: str) -> Avatar | None:
        match = AVATAR_NAME.fullmatch(name)
        return None if match is None else Avatar(self, name, match[1])
