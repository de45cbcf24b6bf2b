"""What a post says of its pictures, in the column `pictures` of its row: a JSON text such as

    {"pictures": [["aQ3…", 1600, 1200, "#8899aa", "A cat on a wall"]], "sensitive": true}

with the name, width, height and colour of each, and the text that stands for it. So a list of posts has all
that it shows, and nothing is looked up.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache

from microblog.media.names import get_file
from microblog.media.plans import PLANS, POST


@dataclass(frozen=True, slots=True)
class ShownPicture:
    """`width` and `height` are those of the largest file, in pixels; `alt` is "" when nobody has described
    it."""

    name: str
    width: int
    height: int
    color: str
    alt: str = ""

    def get_width(self, number: int) -> int:
        """The width of the file of this size, in pixels."""
        longest = max(self.width, self.height)
        return max(1, round(self.width * min(1, max(PLANS[POST].sizes[number]) / longest)))

    def get_file(self, number: int = 0) -> str:
        """The name of the file of this size; 0 is the largest."""
        return get_file(self.name, number)


@dataclass(frozen=True, slots=True)
class ShownPictures:
    """The pictures of a post, in the order in which its author put them; `is_sensitive` ones are shown when
    somebody asks for them."""

    pictures: tuple[ShownPicture, ...] = ()
    is_sensitive: bool = False


NO_PICTURES = ShownPictures()


def dump(shown: ShownPictures) -> str | None:
    """The text for the row; None when there are no pictures."""
    if not shown.pictures:
        return None
    listed = [[each.name, each.width, each.height, each.color, each.alt] for each in shown.pictures]
    return json.dumps({"pictures": listed, "sensitive": shown.is_sensitive}, ensure_ascii=False)


@lru_cache(maxsize=1_000)
def load(text: str | None) -> ShownPictures:
    """What `dump` has written."""
    if not text:
        return NO_PICTURES
    found = json.loads(text)
    return ShownPictures(tuple(ShownPicture(*each) for each in found["pictures"]), found["sensitive"])
