"""What all pages share: `page_view`, forms, error pages, flash messages."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.web.settings import SETTINGS

    config.declare_settings(*SETTINGS)
    config.include("microblog.web.flash")
    config.include("microblog.web.template_globals")
    config.include("microblog.web.languages")
    config.include("microblog.web.colors")
    config.include("microblog.web.navigation")
    config.include("microblog.web.header_counts")
    config.include("microblog.web.pages")
    config.include("microblog.web.times")
    config.include("microblog.web.branding")
    config.include("microblog.web.metadata")
    config.include("microblog.web.errors")
    config.include("microblog.web.compression")
