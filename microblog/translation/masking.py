"""What a translator must not touch: lines, links, `#tags` and `@nicknames`.

Services leave alone what stands between certain tags. So each of these parts is sent between such tags, with
a number; and of the answer only the numbers of these tags are believed. Everything else in it is text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape, unescape
from itertools import count

from microblog.posts.links import find_links
from microblog.posts.mentions import MENTION
from microblog.posts.tags import TAG
from microblog.translation.interfaces import BrokenAnswer


@dataclass(frozen=True, slots=True)
class Style:
    """How a service is told to leave something alone: between `<x>` and `</x>`, for example.

    `attributes` stand in the opening tag before the number. With `unescapes` the service has turned `&lt;`
    into `<` in its answer already.
    """

    element: str
    attributes: str = ""
    unescapes: bool = False


HTML = Style("span", ' translate="no"')
UNESCAPED_HTML = Style("span", ' translate="no"', unescapes=True)
XML = Style("x")


@dataclass(frozen=True, slots=True)
class Kept:
    """A part from `start` to `end` of a line that stays as it is."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Line:
    """A line, and the parts of it that stay. Without `is_sent` there is nothing to translate in it."""

    text: str
    kept: tuple[Kept, ...]
    is_sent: bool


def find_kept(line: str) -> Iterator[Kept]:
    """Links, mentions and tags, from the left, none inside another."""
    position = 0
    for link in find_links(line):
        yield from find_names(line, position, link.start)
        yield Kept(link.start, link.end)
        position = link.end
    yield from find_names(line, position, len(line))


def find_names(line: str, start: int, end: int) -> Iterator[Kept]:
    found = [match.span() for pattern in (MENTION, TAG) for match in pattern.finditer(line, start, end)]
    yield from (Kept(*span) for span in sorted(found))


def read_line(text: str) -> Line:
    kept = tuple(find_kept(text))
    position, rest = 0, []
    for part in kept:
        rest.append(text[position : part.start])
        position = part.end
    rest.append(text[position:])
    return Line(text, kept, any(map(has_word, rest)))


def has_word(text: str) -> bool:
    return any(character.isalpha() for character in text)


class MaskedText:
    """A text as markup that can be sent, line by line, and what becomes of the answers."""

    def __init__(self, text: str, style: Style) -> None:
        self._style = style
        self._lines = [read_line(line) for line in text.split("\n")]
        self._mark = next(mark for number in count() if (mark := f"k{number}n") not in text)
        self._tags = re.compile(rf"<(/?){style.element}\b([^<>]*)>")
        self._number = re.compile(rf"""\bid\s*=\s*["']?{self._mark}([0-9]{{1,6}})["']?(?![\w-])""")

    @property
    def texts(self) -> list[str]:
        """What is to be translated: the lines that have words of their own."""
        return [self._mask(line) for line in self._lines if line.is_sent]

    def restore(self, answers: Sequence[object]) -> str:
        """The translated text; `answers` are the translations of `texts`, in their order.

        :raises BrokenAnswer: when there is not one text for each.
        """
        if len(answers) != len([line for line in self._lines if line.is_sent]):
            raise BrokenAnswer(f"The service sent {len(answers)} texts for another number of lines.")
        waiting = iter(answers)
        return "\n".join(
            self._restore_line(line, next(waiting)) if line.is_sent else line.text for line in self._lines
        )

    def translate(
        self, send: Callable[[list[str]], Sequence[object]], *, most_texts: int, most_characters: int
    ) -> str:
        """The translated text: `send(texts)` is called until all lines are translated, mostly once.

        :raises BrokenAnswer: when it does not return one text for each.
        """
        answers: list[object] = []
        for batch in split_batches(self.texts, most_texts, most_characters):
            answers += send(batch)
        return self.restore(answers)

    def _mask(self, line: Line) -> str:
        parts, position = [], 0
        for number, kept in enumerate(line.kept):
            parts.append(escape(line.text[position : kept.start], quote=False))
            inside = escape(line.text[kept.start : kept.end], quote=False)
            opening = f'{self._style.element}{self._style.attributes} id="{self._mark}{number}"'
            parts.append(f"<{opening}>{inside}</{self._style.element}>")
            position = kept.end
        parts.append(escape(line.text[position:], quote=False))
        return "".join(parts).strip()

    def _restore_line(self, line: Line, answer: object) -> str:
        if not isinstance(answer, str):
            raise BrokenAnswer("The service sent something else than a text.")
        pieces: list[str] = []
        seen: set[int] = set()
        for piece in self._read(" ".join(answer.split("\n")), len(line.kept)):
            if isinstance(piece, str):
                pieces.append(piece)
            else:
                seen.add(piece)
                pieces.append(line.text[line.kept[piece].start : line.kept[piece].end])
        restored = join_pieces(pieces).strip()
        lost = [kept for number, kept in enumerate(line.kept) if number not in seen]
        words = " ".join([restored, *(line.text[kept.start : kept.end] for kept in lost)]).strip()
        return line.text[: len(line.text) - len(line.text.lstrip())] + words

    def _read(self, answer: str, most: int) -> Iterator[str | int]:
        """The texts of an answer, and the numbers of the parts that stay, in their order.

        What the service has left, or put, inside of our tags is passed by. Reads everything once.
        """
        tags = list(self._tags.finditer(answer))
        position = 0
        for index, tag in enumerate(tags):
            number = None if tag[1] or tag.start() < position else self._number.search(tag[2])
            if number is None or int(number[1]) >= most:
                continue
            yield self._read_text(answer[position : tag.start()])
            yield int(number[1])
            closing = tags[index + 1] if index + 1 < len(tags) else None
            is_closed = not tag[2].endswith("/") and closing is not None and closing[1]
            position = closing.end() if is_closed and closing is not None else tag.end()
        yield self._read_text(answer[position:])

    def _read_text(self, text: str) -> str:
        return text if self._style.unescapes else unescape(text)


def join_pieces(pieces: Sequence[str]) -> str:
    """Put together, with a space where two words would become one: `@susan` is no mention behind a letter."""
    joined = ""
    for piece in pieces:
        if joined and piece and joined[-1].isalnum() and (piece[0].isalnum() or piece[0] in "#@"):
            joined += " "
        joined += piece
    return joined


def split_batches(texts: Sequence[str], most_texts: int, most_characters: int) -> Iterator[list[str]]:
    """As many as one request may have, but at least one text."""
    batch: list[str] = []
    size = 0
    for text in texts:
        if batch and (len(batch) >= most_texts or size + len(text) > most_characters):
            yield batch
            batch, size = [], 0
        batch.append(text)
        size += len(text)
    if batch:
        yield batch
