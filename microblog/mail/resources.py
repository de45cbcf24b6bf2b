"""`/unsubscribe/{token}`, and `/admin/mail/` with `/admin/mail/{id}`."""

from __future__ import annotations

from microblog.mail import queries
from microblog.mail.kinds import MailKind
from microblog.mail.links import read_unsubscribe_token
from microblog.paging import parse_id
from microblog.tree import Container, Resource


class Unsubscription(Resource):
    """A link that switches off one kind of mails for one person."""

    def __init__(self, parent: Resource, name: str, user_id: int, kind: MailKind) -> None:
        super().__init__(parent, name)
        self.user_id = user_id
        self.kind = kind


class Unsubscriptions(Container):
    def find(self, name: str) -> Unsubscription | None:
        """None also for a kind that there is no more, or that nobody can switch off."""
        found = read_unsubscribe_token(self.request.microblog, name)
        if found is None:
            return None
        user_id, kind = found
        known = self.request.registry.mail_kinds.get(kind)
        if known is None or not known.is_switchable:
            return None
        return Unsubscription(self, name, user_id, known)


class MailPage(Resource):
    """A mail, for admins."""

    def __init__(self, parent: Resource, mail: queries.MailRow) -> None:
        super().__init__(parent, str(mail.id))
        self.mail = mail


class MailsPage(Container):
    def find(self, name: str) -> MailPage | None:
        mail_id = parse_id(name)
        mail = None if mail_id is None else queries.get_mail(self.request.dbsession, mail_id)
        return None if mail is None else MailPage(self, mail)
