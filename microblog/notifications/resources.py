"""`/notifications/`: what the reader is told; `/notifications/{id}`: a line of it."""

from __future__ import annotations

from typing import Any, ClassVar

from pyramid.authorization import DENY_ALL, Allow, Authenticated

from microblog.notifications import queries
from microblog.paging import parse_id
from microblog.tree import Container, Resource


class NotificationLine(Resource):
    """A line of the reader's list. For a visitor it is one that is not known yet."""

    def __init__(self, parent: Resource, name: str, row: queries.NotificationRow | None) -> None:
        super().__init__(parent, name)
        self._row = row

    @property
    def row(self) -> queries.NotificationRow:
        assert self._row is not None  # noqa: S101  # nobody else may look at it
        return self._row


class UnreadCount(Resource):
    """How many are unread, for the script of an open page."""


class Notifications(Container):
    __acl__: ClassVar[list[Any]] = [(Allow, Authenticated, "view"), DENY_ALL]

    def find(self, name: str) -> NotificationLine | UnreadCount | None:
        if name == "count":
            # Its page being open does not mean that the reader is there.
            self.request.is_unattended = True
            return UnreadCount(self, name)
        group_id = parse_id(name)
        if group_id is None:
            return None
        reader_id = self.request.reader_id
        if reader_id is None:
            return NotificationLine(self, name, None)
        row = queries.get_notification(self.request.dbsession, reader_id, group_id)
        return None if row is None else NotificationLine(self, name, row)
