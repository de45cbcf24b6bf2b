"""Pictures of posts and of people: decoded apart from the server, kept as files, served for ever."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.media.processes import Decoder
    from microblog.media.sending import METRIC
    from microblog.media.settings import MAX_BYTES, PICTURES_PER_POST, SETTINGS

    config.declare_settings(*SETTINGS)
    settings = config.registry.microblog
    config.registry.bytes_for_files = settings[MAX_BYTES] * settings[PICTURES_PER_POST]
    config.registry.picture_decoder = Decoder()
    config.add_metric(
        METRIC, "Pictures that were sent, by what became of them.", labels=("result",), order=45
    )
