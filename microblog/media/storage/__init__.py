"""Where pictures are kept: in a folder, in S3, or in a storage of one's own."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.media.storage.choice import choose_storage, set_picture_storage
    from microblog.media.storage.settings import ACCEL_REDIRECT, STORAGE, check_together

    config.declare_settings(STORAGE, ACCEL_REDIRECT)
    config.add_directive("set_picture_storage", set_picture_storage)
    choose_storage(config)
    check_together(config.registry.microblog)
    config.include("microblog.media.storage.checks")
