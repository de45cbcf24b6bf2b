"""Likes, boosts and bookmarks: `/posts/{id}/like`, `/posts/{id}/likes`, `/account/bookmarks` and others."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.reactions.queries import find_mine

    config.add_post_details("reactions", find_mine)
    config.add_models("microblog.reactions.models")
