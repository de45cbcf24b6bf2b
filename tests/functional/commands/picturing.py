"""A plugin that decodes a picture; its process says, when it ends, which of those that decode are left."""

from __future__ import annotations

import atexit
import sys
from typing import Any

from microblog.media.plans import POST
from tests.media_corpus import draw, save


def includeme(config: Any) -> None:
    decoder = config.registry.picture_decoder
    decoder.make(save(draw(), "PNG"), POST)
    print("before:", len(decoder.list_processes()), file=sys.stderr)
    atexit.register(lambda: print("after:", len(decoder.list_processes()), file=sys.stderr))
