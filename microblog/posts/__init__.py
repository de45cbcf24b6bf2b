"""Writing, editing, deleting and reading posts: `/`, `/explore`, `/posts/…`."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.i18n import _
    from microblog.posts.actions import keep_mentions
    from microblog.posts.forms import MAX_LENGTH, MAX_MENTIONS, MAX_TAGS
    from microblog.posts.mention_queries import load_mentions
    from microblog.posts.resources import Posts
    from microblog.posts.text import post_text, text_lines

    config.declare_settings(MAX_LENGTH, MAX_MENTIONS, MAX_TAGS)
    config.add_template_global("max_length", lambda request: request.microblog[MAX_LENGTH])
    config.add_template_filter("post_text", post_text)
    config.add_template_filter("text_lines", text_lines)
    config.add_limit(
        "posts",
        what="Posts",
        refusal=_("You have written very many posts in a short time. This one was not sent yet."),
        per_account="30 per 10 minutes",
    )
    config.include("microblog.posts.details")
    config.include("microblog.posts.holding")
    config.include("microblog.posts.backfilling")
    config.add_post_details("mentions", load_mentions)
    config.add_backfill("mentions", keep_mentions)
    config.include("microblog.posts.post_actions")
    config.include("microblog.posts.languages")
    config.include("microblog.posts.replies")
    config.include("microblog.posts.editing")
    config.include("microblog.posts.publishing")
    config.include("microblog.posts.pictures")
    config.include("microblog.posts.drawing")
    config.include("microblog.posts.departures")
    config.add_command("posts", "microblog.posts.commands.posts", order=55)
    config.add_recovered_fields(body=_("Your post"))
    config.add_branch("posts", Posts)
    config.add_models("microblog.posts.models")
    config.reserve_nicknames("post")
