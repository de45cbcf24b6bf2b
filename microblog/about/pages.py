"""The pages about the site, by their names, which are their addresses and the names of their files."""

from __future__ import annotations

from dataclasses import dataclass

from microblog.i18n import _
from microblog.request import Request


@dataclass(frozen=True)
class SitePage:
    """`has_default`: microblog has a text for it, which is shown until the operator has written one."""

    name: str
    label: str
    has_default: bool = True

    def link(self, request: Request) -> str:
        return str(request.link(self.name))

    def exists(self, request: Request) -> bool:
        return self.has_default or request.registry.site_texts.exists(self.name)


PAGES = {
    page.name: page
    for page in (
        SitePage("about", _("About")),
        SitePage("help", _("Help")),
        SitePage("privacy", _("Privacy")),
        SitePage("terms", _("Terms"), has_default=False),
        SitePage("rules", _("Rules"), has_default=False),
    )
}
