"""`/admin/registrations/` with `/admin/registrations/{id}`, and `/admin/invitations/`."""

from __future__ import annotations

from microblog.accounts.registrations import queries
from microblog.paging import parse_id
from microblog.tree import Container, Resource


class RegistrationPage(Resource):
    """Somebody who waits for an admin."""

    def __init__(self, parent: Resource, row: queries.RegistrationRow) -> None:
        super().__init__(parent, str(row.id))
        self.row = row


class RegistrationsPage(Container):
    def find(self, name: str) -> RegistrationPage | None:
        registration_id = parse_id(name)
        if registration_id is None:
            return None
        row = queries.get_registration(self.request.dbsession, registration_id)
        return None if row is None else RegistrationPage(self, row)


class InvitationsPage(Container):
    """The links by which people may sign up; none has a page of its own."""

    def find(self, name: str) -> None:
        return None
