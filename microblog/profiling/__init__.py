"""Profiles of requests, and the pages that show them."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.profiling.settings import SETTINGS

    config.declare_settings(*SETTINGS)
    config.include("microblog.profiling.tween")
