"""Profiles, avatars, following: `/users/…` and `/avatars/…`."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.people.avatars import AVATARS, GRAVATAR_HOST, avatar
    from microblog.people.resources import Avatars, Users

    config.declare_settings(AVATARS)
    if config.registry.microblog[AVATARS] == "gravatar":
        config.registry.content_security_policy["img-src"] += f" {GRAVATAR_HOST}"
    config.add_request_method(lambda request: lambda person: avatar(request, person), "avatar", property=True)
    config.add_branch("users", Users)
    config.add_branch("avatars", Avatars)
