"""Pictures of posts and of people: decoded apart, kept as files, served for ever: `/media/…`."""

from typing import Any

# Nothing of the site is imported here: the processes that decode pictures import this, too (`child.py`).
PORTRAITS = 2  # that the form of a profile takes


def includeme(config: Any) -> None:
    from microblog.i18n import _
    from microblog.media.processes import Decoder
    from microblog.media.resources import Media
    from microblog.media.sending import METRIC
    from microblog.media.settings import MAX_BYTES, PICTURES_PER_POST, SETTINGS
    from microblog.media.tasks import (
        SECONDS_BETWEEN_COLLECTIONS,
        SECONDS_BETWEEN_DELETIONS,
        DeleteFiles,
        delete_old_pictures,
    )

    config.include("microblog.media.storage")
    config.declare_settings(*SETTINGS)
    settings = config.registry.microblog
    config.registry.bytes_for_files = settings[MAX_BYTES] * max(settings[PICTURES_PER_POST], PORTRAITS)
    config.registry.picture_decoder = Decoder()
    config.add_models("microblog.media.models")
    config.add_branch("media", Media)
    config.add_limit(
        "pictures",
        what="Forms with new pictures",
        refusal=_("You have sent very many pictures in a short time. These were not stored yet."),
        per_account="60 per 10 minutes",
    )
    config.add_metric(
        METRIC, "Pictures that were sent, by what became of them.", labels=("result",), order=45
    )
    config.add_worker_task("old pictures", delete_old_pictures, every=SECONDS_BETWEEN_COLLECTIONS)
    config.add_worker_task("picture files", DeleteFiles(), every=SECONDS_BETWEEN_DELETIONS)
    config.add_command("media", "microblog.media.commands.media", order=56)
    config.include("microblog.media.checks")
