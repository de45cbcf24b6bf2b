"""Pictures: decoded apart, kept in a storage, and shown at `/media/`."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.media.resources import Media

    config.include("microblog.media.storage")
    config.add_branch("media", Media)
