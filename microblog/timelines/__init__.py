"""Lists of posts: home, the public timeline, and the posts of a person; `/`, `/explore`, `/users/…`."""

from typing import Any


def includeme(config: Any) -> None:
    """The scan finds its views."""
