"""Pages about the site itself, in the words of its operator: `/about`, `/help`, `/privacy`, `/terms` and
`/rules`."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.about.checks import describe_texts
    from microblog.about.library import Library
    from microblog.about.pages import PAGES
    from microblog.about.settings import PAGES_FOLDER, PAGES_LANGUAGE, SETTINGS

    config.declare_settings(*SETTINGS)
    settings = config.registry.microblog
    config.registry.site_texts = Library(settings[PAGES_FOLDER], settings[PAGES_LANGUAGE])
    for order, page in enumerate(PAGES.values(), start=1):
        config.add_nav_item(page.name, page.label, page.link, shown=page.exists, order=order, slot="footer")
    help_page = PAGES["help"]
    config.add_nav_item("help after an error", help_page.label, help_page.link, order=20, slot="errors")
    config.reserve_nicknames(*PAGES)
    config.add_health_check("pages", details=describe_texts, order=-9, needs_database=False)
