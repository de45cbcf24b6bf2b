"""`/users/`, `/users/{nickname}` and `/avatars/{key}.svg`."""

from __future__ import annotations

import re
from typing import Any

from pyramid.authorization import Allow, Authenticated, Deny

from microblog.accounts.models import NICKNAME_LENGTH
from microblog.accounts.nicknames import LEAST_CHARACTERS, NOT_ALLOWED
from microblog.people import queries
from microblog.people.avatars import KEY_CHARACTERS
from microblog.people.rules import CANNOT_FOLLOW_ONESELF
from microblog.request import Request
from microblog.tree import Container, Resource

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
            (Allow, Authenticated, "follow"),
        ]

    def why_forbidden(self, request: Request) -> str | None:
        """Why following is refused; our pages never send such a request."""
        is_themselves = request.identity is not None and request.identity.id == self.person.id
        return CANNOT_FOLLOW_ONESELF if is_themselves else None


class Users(Container):
    def find(self, name: str) -> Person | None:
        if not LEAST_CHARACTERS <= len(name) <= NICKNAME_LENGTH or NOT_ALLOWED.search(name):
            return None
        person = queries.get_person(self.request.dbsession, name)
        return None if person is None else Person(self, person)


class Avatar(Resource):
    def __init__(self, parent: Resource, name: str, key: str) -> None:
        super().__init__(parent, name)
        self.key = key


class Avatars(Container):
    """Loads nothing: an avatar is drawn from its name."""

    def find(self, name: str) -> Avatar | None:
        match = AVATAR_NAME.fullmatch(name)
        return None if match is None else Avatar(self, name, match[1])
