"""`/admin/audit/`, `/admin/people/{nickname}`, `/admin/posts/` and `/admin/reports/{id}`."""

from __future__ import annotations

from typing import Any

from pyramid.authorization import Deny, Everyone

from microblog.i18n import _
from microblog.moderation import queries, report_queries
from microblog.moderation.rules import find_refusal
from microblog.paging import parse_id
from microblog.tree import Container, Resource

ABOUT_YOU = _("This case is about you: another moderator decides it.")


class AuditPage(Container):
    """What was done; no entry has a page of its own."""

    def find(self, name: str) -> None:
        return None


class PersonPage(Resource):
    """Somebody, as moderators see them."""

    def __init__(self, parent: Resource, person: queries.ModeratedPerson) -> None:
        super().__init__(parent, person.nickname)
        self.person = person

    @property
    def __acl__(self) -> list[Any]:
        """Nobody acts on themselves or on admins, and moderators on no other one."""
        refusal = find_refusal(self.request.identity, self.person.role)
        return [] if refusal is None else [(Deny, Everyone, "moderate")]

    def why_forbidden(self, request: Any) -> str | None:
        return find_refusal(request.identity, self.person.role)


class PeoplePage(Container):
    def find(self, name: str) -> PersonPage | None:
        person = queries.get_person(self.request.dbsession, name)
        return None if person is None else PersonPage(self, person)


class PostsPage(Container):
    """Posts of everybody, by what they link to; none has a page of its own."""

    def find(self, name: str) -> None:
        return None


class CasePage(Resource):
    """What was reported about one thing."""

    def __init__(self, parent: Resource, case: report_queries.CaseRow) -> None:
        super().__init__(parent, str(case.id))
        self.case = case

    @property
    def __acl__(self) -> list[Any]:
        """Nobody learns who has reported them."""
        me = self.request.identity
        is_mine = me is not None and me.id == self.case.person_id
        return [(Deny, Everyone, ("view", "moderate"))] if is_mine else []

    def why_forbidden(self, request: Any) -> str | None:
        return ABOUT_YOU if request.reader_id == self.case.person_id else None


class ReportsPage(Container):
    def find(self, name: str) -> CasePage | None:
        case_id = parse_id(name)
        case = None if case_id is None else report_queries.get_case(self.request.dbsession, case_id)
        return None if case is None else CasePage(self, case)
