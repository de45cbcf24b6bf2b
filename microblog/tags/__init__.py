"""Tags: what posts have, which ones people follow, and which are used most; `/tags/…`."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.posts.events import PostEdited, PostWritten
    from microblog.tags.queries import add_tags
    from microblog.tags.resources import Tags
    from microblog.tags.subscribers import keep_tags, keep_tags_of_edit
    from microblog.tags.tasks import SECONDS_BETWEEN_COUNTS, count_tags_of_the_week

    config.add_branch("tags", Tags)
    config.reserve_nicknames("tag")
    config.add_models("microblog.tags.models")
    config.add_subscriber(keep_tags, PostWritten)
    config.add_subscriber(keep_tags_of_edit, PostEdited)
    config.add_backfill("tags", add_tags)
    config.add_worker_task("tags of the week", count_tags_of_the_week, every=SECONDS_BETWEEN_COUNTS)
