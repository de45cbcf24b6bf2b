"""`/admin/`: pages for admins, to which other rooms add theirs."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.admin.resources import Admin, AdminPages, IAdminPages, add_admin_page, list_admin_pages
    from microblog.i18n import _

    config.registry.registerUtility(AdminPages(), IAdminPages)
    config.add_directive("add_admin_page", add_admin_page)
    config.add_branch("admin", Admin)
    config.keep_robots_from("admin", "")
    config.add_nav_item(
        "admin",
        _("Admin"),
        lambda request: request.link("admin", ""),
        # A single page has its own link.
        shown=lambda request: len(list_admin_pages(request)) > 1,
        slot="footer",
        order=10,
    )
