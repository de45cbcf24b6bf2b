"""`/admin/audit/`."""

from __future__ import annotations

from microblog.tree import Container


class AuditPage(Container):
    """What was done; no entry has a page of its own."""

    def find(self, name: str) -> None:
        return None
