"""Lists of posts: home, the public timeline, and the posts of a person; `/`, `/explore`, `/users/…`."""

from typing import Any

OLDER_POSTS, ENDLESS = "older", "endless"  # the preference, and what is kept of it


def includeme(config: Any) -> None:
    from microblog.i18n import _
    from microblog.preferences.fields import Choice, Preference

    config.add_nav_item("home", _("Home"), lambda request: request.link(), order=10)
    config.add_nav_item("explore", _("Explore"), lambda request: request.link("explore"), order=20)
    config.add_preference(
        Preference(
            name=OLDER_POSTS,
            label=_("Older posts"),
            list_choices=lambda request: [
                Choice("", _("When I ask for them")),
                Choice(ENDLESS, _("When I come to the end")),
            ],
        )
    )
    config.add_template_global("is_endless", lambda request: request.preferences.get(OLDER_POSTS) == ENDLESS)
    config.add_account_page(
        "filters", _("Filters"), _("Words and languages that your home timeline leaves out."), order=70
    )
    config.reserve_nicknames("home", "explore", "updates")
    config.keep_robots_from("updates")
