"""Finding people by the words of their names and of what they say about themselves."""

from typing import Any


def includeme(config: Any) -> None:
    config.add_models("microblog.search.people.models")
