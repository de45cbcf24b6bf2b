"""`/messages/`, `/messages/{nickname}`, and `/messages/{nickname}/{id}`.

A thread is found by the nickname of the other one, so the same address is another thread for each reader. Of
somebody whose account is gone it is `deleted-{id}`, which no nickname can be. What is not the reader's own is
not found, whether or not it is somebody else's.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

from pyramid.authorization import DENY_ALL, Allow, Authenticated

from microblog.accounts.models import NICKNAME_LENGTH
from microblog.accounts.nicknames import LEAST_CHARACTERS, NOT_ALLOWED
from microblog.messages import queries
from microblog.messages.rules import find_refusal
from microblog.paging import parse_id
from microblog.people.queries import PersonRow, get_person
from microblog.request import Request
from microblog.tree import Container, Resource

ABANDONED = re.compile(r"deleted-([0-9]+)")


class Thread(Resource):
    """The thread of the reader with somebody. `own` is None while it has no message.

    `owner_id` is whose it is, None for a visitor, who is asked to log in whatever the address is. `person`
    is None when their account is gone.
    """

    def __init__(
        self,
        parent: Resource,
        name: str,
        owner_id: int | None,
        person: PersonRow | None = None,
        own: queries.OwnThread | None = None,
    ) -> None:
        super().__init__(parent, name)
        self.owner_id = owner_id
        self.person = person
        self.own = own

    @property
    def __acl__(self) -> list[Any]:
        if self.owner_id is None or self.is_with_oneself:
            return [DENY_ALL]
        return [(Allow, f"user:{self.owner_id}", ("view", "write", "delete")), DENY_ALL]

    def __getitem__(self, name: str) -> Resource:
        """The message with this id. A visitor finds any, and is refused."""
        message_id = parse_id(name)
        if message_id is None:
            raise KeyError(name)
        if self.owner_id is None:
            return ThreadMessage(self, name, None)
        message = (
            None if self.own is None else queries.get_message(self.request.dbsession, self.own, message_id)
        )
        if message is None:
            raise KeyError(name)
        return ThreadMessage(self, name, message)

    @property
    def is_with_oneself(self) -> bool:
        return self.person is not None and self.person.id == self.owner_id

    def why_forbidden(self, request: Request) -> str | None:
        return find_refusal(is_oneself=True) if self.is_with_oneself else None


class ThreadMessage(Resource):
    """A message of a thread of the reader, whose rights it has; None for a visitor."""

    __parent__: Thread

    def __init__(self, parent: Thread, name: str, message: queries.MessageRow | None) -> None:
        super().__init__(parent, name)
        self.message = message


class Messages(Container):
    """The threads of the reader."""

    __acl__: ClassVar[list[Any]] = [(Allow, Authenticated, "view"), DENY_ALL]

    def find(self, name: str) -> Thread | None:
        reader_id, session = self.request.reader_id, self.request.dbsession
        if reader_id is None:
            return Thread(self, name, None)
        match = ABANDONED.fullmatch(name)
        thread_id = parse_id(match[1]) if match else None
        if thread_id is not None:
            own = queries.get_abandoned_thread(session, reader_id, thread_id)
            return None if own is None else Thread(self, name, own.owner_id, own=own)
        if not LEAST_CHARACTERS <= len(name) <= NICKNAME_LENGTH or NOT_ALLOWED.search(name):
            return None
        person = get_person(session, name, reader_id)
        if person is None or person.is_suspended:  # their thread has the address of one of somebody deleted
            return None
        own = queries.get_thread(session, reader_id, person.id)
        return Thread(self, person.nickname, reader_id if own is None else own.owner_id, person, own)
