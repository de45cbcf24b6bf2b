"""What changed between two texts: first by lines, then by words in the lines that differ.

The longest common subsequence is found in the bits of large integers (Hyyrö, 2004): as exact as a table of
all pairs, in a hundredth of its time. What is left of it is quadratic, so all comparisons of a page share a
budget, and what is beyond that is shown as replaced (docs/adr/0045).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import regex

from microblog.texts import GRAPHEME

MOST_LINES = 20_000
MOST_CHARACTERS = 40_000  # that are split into words
MOST_PAIRS = 20_000_000  # of words, or lines, that are compared

# Words as people see them: letters, digits and their marks, also around an apostrophe or a point. In scripts
# without spaces between words each letter with its marks is one. Not `\b`, which takes quadratic time for
# flags.
NO_SPACES = r"[\p{Ideographic}\p{Script=Hiragana}\p{Line_Break=Complex_Context}]"
JOINED = rf"[[\p{{L}}\p{{N}}\p{{M}}_\u00ad\u200c\u200d]--{NO_SPACES}]"
WORD = regex.compile(
    rf"(?=[\p{{L}}\p{{N}}_]){JOINED}++(?:['’.·]{JOINED}++)*+|[^\S\n]++|{GRAPHEME.pattern}", regex.V1
)
LINE = regex.compile(r"[^\n]*+\n|[^\n]++")


class Piece(NamedTuple):
    """Some text that is in both (`same`), or only in the older (`deleted`) or the newer one (`inserted`)."""

    kind: str
    text: str


Change = tuple[Sequence[str], Sequence[str]]  # what was there, and what is there instead


class Budget:
    """How much the comparisons of one page may cost together."""

    def __init__(
        self, *, lines: int = MOST_LINES, characters: int = MOST_CHARACTERS, pairs: int = MOST_PAIRS
    ) -> None:
        self._left = {"lines": lines, "characters": characters, "pairs": pairs}

    def spend(self, what: str, number: int) -> bool:
        """May so many lines, characters or pairs be looked at, too?"""
        if number > self._left[what]:
            return False
        self._left[what] -= number
        return True


def compare(before: str, after: str, budget: Budget) -> list[Piece]:
    """The pieces of both texts, in their order; joined, those that are not `deleted` are the newer text."""
    return list(join(list_pieces(before, after, budget)))


def list_pieces(before: str, after: str, budget: Budget) -> Iterator[Piece]:
    if not budget.spend("lines", before.count("\n") + after.count("\n")):
        yield from replace(before, after)
        return
    for old, new in list_changes(LINE.findall(before), LINE.findall(after), budget):
        if old is new:
            yield Piece("same", "".join(old))
            continue
        yield from list_pieces_of_lines("".join(old), "".join(new), budget)


def list_pieces_of_lines(before: str, after: str, budget: Budget) -> Iterator[Piece]:
    """By words, between the first and the last one that differ: one word of a very long line costs little."""
    start = find_first_difference(before, after)
    start = before.rfind(" ", 0, start) + 1
    if start:
        yield Piece("same", before[:start])
    before, after = before[start:], after[start:]
    same_end = before[len(before) - find_first_difference(before[::-1], after[::-1]) :]
    same_end = same_end[same_end.find(" ") :] if " " in same_end else ""
    old, new = before.removesuffix(same_end), after.removesuffix(same_end)
    if budget.spend("characters", len(old) + len(new)):
        for words in fold_spaces(list_changes(WORD.findall(old), WORD.findall(new), budget)):
            yield from show(*words)
    else:
        yield from replace(old, new)
    if same_end:
        yield Piece("same", same_end)


def find_first_difference(one: str, other: str) -> int:
    """Where they begin to differ: by halves, which compares in a few microseconds what is the same."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def show(old: Sequence[str], new: Sequence[str]) -> Iterator[Piece]:
    if old is new:
        yield Piece("same", "".join(old))
    else:
        yield from replace("".join(old), "".join(new))


def replace(old: str, new: str) -> Iterator[Piece]:
    if old:
        yield Piece("deleted", old)
    if new:
        yield Piece("inserted", new)


def fold_spaces(changes: Iterable[Change]) -> Iterator[Change]:
    """Two changes with only a space between them are one: what is read is not cut into single words."""
    old: list[str] = []
    new: list[str] = []
    space: Sequence[str] = ()
    for before, after in changes:
        if before is not after:
            old += [*space, *before]
            new += [*space, *after]
            space = ()
        elif (old or new) and not space and "".join(before).isspace() and "\n" not in before:
            space = before
        else:
            yield from flush(old, new, space)
            old, new, space = [], [], ()
            yield before, after
    yield from flush(old, new, space)


def flush(old: list[str], new: list[str], space: Sequence[str]) -> Iterator[Change]:
    if old or new:
        yield old, new
    if space:
        yield space, space


def join(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Pieces of one kind that follow each other are one."""
    last: Piece | None = None
    for piece in pieces:
        if last is not None and last.kind == piece.kind:
            last = Piece(last.kind, last.text + piece.text)
            continue
        if last is not None:
            yield last
        last = piece
    if last is not None:
        yield last


def list_changes(before: Sequence[str], after: Sequence[str], budget: Budget) -> Iterator[Change]:
    """What is the same in both, twice the same object; and what is not."""
    start = count_common(before, after)
    end = count_common(before[start:][::-1], after[start:][::-1])
    if start:
        yield (same := before[:start]), same
    old, new = before[start : len(before) - end], after[start : len(after) - end]
    if old and new and budget.spend("pairs", len(old) * len(new)):
        yield from align(old, new)
    elif old or new:
        yield old, new
    if end:
        yield (same := before[len(before) - end :]), same


def count_common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many they have in common at their beginning."""
    count = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            break
        count += 1
    return count


def align(old: Sequence[str], new: Sequence[str]) -> Iterator[Change]:
    """By a longest common subsequence."""
    last_old = last_new = 0
    for next_old, next_new in [*find_matches(old, new), (len(old), len(new))]:
        if last_old < next_old or last_new < next_new:
            yield old[last_old:next_old], new[last_new:next_new]
        if next_old < len(old):
            yield (same := old[next_old : next_old + 1]), same
        last_old, last_new = next_old + 1, next_new + 1


def find_matches(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """The places of a longest common subsequence in both.

    Bit i of a row is 0 where one more of the first i + 1 old words is matched than of the first i.
    """
    places: dict[str, int] = {}
    for i, word in enumerate(old):
        places[word] = places.get(word, 0) | 1 << i
    everything = (1 << len(old)) - 1
    rows = [everything]
    for word in new:
        row, found = rows[-1], places.get(word, 0)
        rows.append(((row + (row & found)) | (row & ~found)) & everything)
    matches = []
    i, j = len(old), len(new)
    while i and j:
        if old[i - 1] == new[j - 1]:
            i, j = i - 1, j - 1
            matches.append((i, j))
        elif rows[j] >> (i - 1) & 1:
            i -= 1
        else:
            j -= 1
    return matches[::-1]
