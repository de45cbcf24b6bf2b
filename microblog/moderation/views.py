"""`/admin/audit/`: who did what to whom."""

from __future__ import annotations

from typing import Any

from microblog.accounts.nicknames import NOT_ALLOWED
from microblog.moderation import queries
from microblog.moderation.audit import LABELS
from microblog.moderation.queries import AuditRow, Wanted
from microblog.moderation.resources import AuditPage
from microblog.paging import KeyCursor, parse_id
from microblog.request import Request
from microblog.texts import strip
from microblog.web.pages import page_view
from microblog.web.paging import Keyset, read_page

ENTRIES_ON_A_PAGE = 50
BY_ID = Keyset[AuditRow, int](lambda row: row.id, parse_id, goes_back=True)


@page_view(context=AuditPage, renderer="templates/audit.jinja2")
def list_audit(page: AuditPage, request: Request) -> Any:
    asked = {name: read_name(request, name) for name in ("person", "actor")}
    action = request.GET.get("action")
    wanted = Wanted(**asked, action=action if action in LABELS else None)

    def fetch(cursor: KeyCursor[int], limit: int) -> list[AuditRow]:
        return queries.list_audit(request.dbsession, wanted, cursor, limit)

    query = {name: value for name, value in {**asked, "action": wanted.action}.items() if value}
    listed = read_page(request, BY_ID, fetch, size=ENTRIES_ON_A_PAGE, **query)
    return {
        "rows": listed.rows,
        "labels": LABELS,
        "wanted": wanted,
        "typed": {name: NOT_ALLOWED.sub("", text or "") for name, text in asked.items()},
        "newer_url": listed.previous_url,
        "older_url": listed.next_url,
        "page_name": "admin",
    }


def read_name(request: Request, name: str) -> str | None:
    """A nickname, with or without its @; None without any."""
    return strip(request.GET.get(name, "")).removeprefix("@") or None
