"""`/api/`: what programs read and write, the same tree as the pages, as JSON."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.api.settings import DOCUMENTATION
    from microblog.tree import Api

    config.declare_settings(DOCUMENTATION)
    config.add_branch("api", Api)
    config.keep_robots_from("api", "")
