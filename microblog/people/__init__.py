"""Profiles, avatars, following: `/users/…` and `/avatars/…`."""

from typing import Any


def includeme(config: Any) -> None:
    from functools import partial

    from microblog.i18n import _
    from microblog.people.avatars import AVATARS, GRAVATAR_HOST, avatar
    from microblog.people.names import draw_name, format_name
    from microblog.people.resources import Avatars, Users
    from microblog.web.navigation import is_logged_in

    config.declare_settings(AVATARS)
    if config.registry.microblog[AVATARS] == "gravatar":
        config.add_content_source("img-src", GRAVATAR_HOST)
    config.add_template_global("avatar", lambda request: partial(avatar, request))
    config.add_template_global("full_name", lambda request: format_name)
    config.add_template_global("draw_name", lambda request: draw_name)
    config.add_nav_item("people", _("People"), lambda request: request.link("users", ""), order=30)
    config.add_nav_item(
        "profile", template="microblog.people:templates/nav_profile.jinja2", shown=is_logged_in, order=40
    )
    config.add_limit(
        "follows",
        what="Follows and unfollows",
        refusal=_("You have followed, or no longer followed, very many people in a short time."),
        per_account="100 per hour",
    )
    # Of people here, and of posts
    config.add_limit(
        "searches",
        what="Searches",
        refusal=_("You have searched very often in a short time."),
        per_account="60 per minute",
        per_address="60 per minute",
    )
    config.add_limit(
        "suggestions",
        what="Offers of people to mention, while somebody types",
        refusal=_("You have typed very quickly."),
        per_account="300 per minute",
    )
    config.add_account_page(
        "blocks", _("Blocked and muted"), _("People whom you do not want to see."), order=60
    )
    config.add_account_page(
        "privacy", _("Privacy"), _("Who finds you, and what others see of your visits."), order=55
    )
    config.add_branch("users", Users)
    config.reserve_nicknames("people", "user", "follow", "unfollow", "followers", "following", "mentions")
    config.include("microblog.people.person_actions")
    config.add_branch("avatars", Avatars)
    config.add_models("microblog.people.models")
