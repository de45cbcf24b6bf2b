"""Lists of posts: home, the public timeline, and the posts of a person; `/`, `/explore`, `/users/…`."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.i18n import _

    config.add_nav_item("home", _("Home"), lambda request: request.link(), order=10)
    config.add_nav_item("explore", _("Explore"), lambda request: request.link("explore"), order=20)
    config.reserve_nicknames("home", "explore", "updates")
    config.keep_robots_from("updates")
