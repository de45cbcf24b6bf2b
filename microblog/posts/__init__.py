"""Writing, deleting and reading posts: `/`, `/explore`, `/posts/…`."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.posts.forms import MAX_LENGTH
    from microblog.posts.resources import Posts

    config.declare_settings(MAX_LENGTH)
    config.add_template_setting("max_length", MAX_LENGTH)
    config.add_branch("posts", Posts)
