"""From a file that somebody has sent to pictures that are safe to show, or a sentence why there are none."""

from __future__ import annotations

from typing import Final

from microblog.formdata import Upload
from microblog.i18n import Message, _
from microblog.measuring import count
from microblog.media.processes import Busy
from microblog.media.results import BROKEN, TOO_LARGE, TOO_SLOW, UNKNOWN, Made, Refused
from microblog.media.settings import MAX_BYTES
from microblog.request import Registry

# Reasons besides those of `results.py`.
EMPTY: Final = "empty"  # a file without a byte
TOO_MANY_BYTES: Final = "too_many_bytes"
BUSY: Final = "busy"  # others' pictures take long

METRIC: Final = "pictures_sent"
MADE: Final = "made"
BYTES_OF_A_MEGABYTE: Final = 1_000_000

REFUSALS: Final = {
    UNKNOWN: _("This is not a picture that we can read. Use a JPEG, PNG, WebP, GIF or AVIF file."),
    BROKEN: _(
        "This picture is damaged or incomplete. Open it on your device, save it again, and use that file."
    ),
    TOO_LARGE: _("This picture has too many pixels. Make it smaller, or save it as JPEG, and use that file."),
    TOO_SLOW: _(
        "It took too long to read this picture. Make it smaller, or save it as JPEG, and use that file."
    ),
    EMPTY: _("This file is empty. Use another one."),
    BUSY: _("Many pictures are being sent at this moment. Please try again in a minute."),
}


def make_pictures(registry: Registry, upload: Upload, plan: str) -> Made:
    """The sizes of the picture that was sent, as `plan` has them. Takes about a second, and up to half a
    minute: call it outside of any transaction.

    :raises Refused: `explain` says why.
    """
    result = MADE
    try:
        return registry.picture_decoder.make(read(registry, upload), plan)
    except Refused as refused:
        result = refused.reason
        raise
    except Busy:
        result = BUSY
        raise Refused(BUSY) from None
    finally:
        count(registry, METRIC, result=result)


def read(registry: Registry, upload: Upload) -> bytes:
    if upload.size == 0:
        raise Refused(EMPTY)
    if upload.size > registry.microblog[MAX_BYTES]:
        raise Refused(TOO_MANY_BYTES)
    upload.file.seek(0)
    return upload.file.read()


def explain(registry: Registry, refused: Refused) -> Message:
    """What happened and what to do, for the sender."""
    if refused.reason == TOO_MANY_BYTES:
        most = registry.microblog[MAX_BYTES] // BYTES_OF_A_MEGABYTE
        return _(
            "This file has more than %(most)s MB. Make the picture smaller, and use that file.", most=most
        )
    return REFUSALS[refused.reason]
