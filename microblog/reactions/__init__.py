"""Likes, boosts and bookmarks: `/posts/{id}/like`, `/posts/{id}/likes`, `/account/bookmarks` and others."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.i18n import _
    from microblog.reactions.buttons import ReactionTexts, draw_reactions, has_reactions
    from microblog.reactions.queries import find_mine
    from microblog.web.navigation import is_logged_in

    config.add_post_details("reactions", find_mine)
    config.add_post_action("reactions", draw=draw_reactions, order=20, shown=has_reactions)
    config.add_request_method(ReactionTexts, "reaction_texts", reify=True)
    config.add_nav_item(
        "reactions",
        template="microblog.reactions:templates/end.jinja2",
        shown=is_logged_in,
        slot="end",
        order=10,
    )
    config.add_limit(
        "likes",
        what="Likes and bookmarks",
        refusal=_("You have liked, or bookmarked, very many posts in a short time."),
        per_account="300 per hour",
    )
    # As many as posts: they come to the same home pages.
    config.add_limit(
        "boosts",
        what="Boosts",
        refusal=_("You have boosted very many posts in a short time."),
        per_account="30 per 10 minutes",
    )
    config.add_account_page(
        "bookmarks",
        _("Bookmarks"),
        _("Posts that you have kept. Nobody else sees which."),
        order=80,
    )
    config.add_account_page("likes", _("Likes"), _("Posts that you like."), order=90)
    config.add_models("microblog.reactions.models")
