"""`/admin/`: what only admins see. Other rooms hang their pages there."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.admin.resources import Admin, AdminPages, IAdminPages, add_admin_page, list_admin_pages
    from microblog.web.navigation import admins

    config.registry.registerUtility(AdminPages(), IAdminPages)
    config.add_directive("add_admin_page", add_admin_page)
    config.add_branch("admin", Admin)
    config.keep_robots_from("admin", "")
    config.add_nav_item(
        "admin",
        "Admin",
        lambda request: request.link("admin", ""),
        # A single page has a link of its own, or none.
        shown=lambda request: admins(request) and len(list_admin_pages(request.registry)) > 1,
        place="footer",
        order=10,
    )
