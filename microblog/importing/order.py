"""Ids for imported posts, so that posts of one moment keep the order of their lines.

An id begins with the millisecond of its post, and a site that exports only whole seconds has many posts of
one millisecond. So what follows in the id is given out in steps: lines that come later, in the next
transaction, after an interruption or from another file, go behind those that are there; a line that was
corrected goes between its neighbours.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence

from microblog.ids import SEQUENCE_BITS

# Room for 63 corrected lines in a row; 16,384 lines have room in a millisecond, and more use the next one.
STEP = 64
IDS_IN_A_MILLISECOND = 1 << SEQUENCE_BITS


def is_full(first: int, taken: Sequence[int]) -> bool:
    """Does what comes behind the posts of the millisecond that begins with `first` go into the next one?"""
    return bool(taken) and taken[-1] >= first + IDS_IN_A_MILLISECOND - STEP


def place(first: int, taken: Sequence[int], lines: Sequence[int | None], after: int | None) -> list[int]:
    """An id for each line of one millisecond, in the order of the file.

    `first` is the first id of the millisecond, `taken` are those in use, sorted. `lines` holds the id
    of each line that is a post already, else None. `after` is the id of the line of this millisecond before
    these, where it is known.
    """
    used = list(taken)
    placed: list[int] = []
    before = after
    for number, known in enumerate(lines):
        if known is not None:
            before = known
        elif number == len(placed):  # not placed with those before it
            run = next((end for end in range(number, len(lines)) if lines[end] is not None), len(lines))
            ids = run_of_ids(first, used, run - number, before, lines[run] if run < len(lines) else None)
            for post_id in ids:
                insort(used, post_id)
            placed += ids
            before = ids[-1]
        if known is not None:
            placed.append(known)
    return placed


def run_of_ids(
    first: int, used: Sequence[int], count: int, before: int | None, behind: int | None
) -> list[int]:
    """Ids for some lines in a row that are new, between the posts of the lines before and behind them."""
    if before is None and behind is not None:
        place_behind = bisect_left(used, behind)
        before = used[place_behind - 1] if place_behind else first - 1
        between = ids_between(before, behind, count)
    elif before is not None and (next_used := bisect_right(used, before)) < len(used):
        between = ids_between(before, used[next_used], count)
    else:
        between = []
    return between or ids_behind(max(used[-1] if used else first, before or first), count)


def ids_between(before: int, behind: int, count: int) -> list[int]:
    """None at all when there is not room enough."""
    step = (behind - before) // (count + 1)
    return [before + step * (number + 1) for number in range(count)] if step else []


def ids_behind(last: int, count: int) -> list[int]:
    start = (last // STEP + 1) * STEP
    return [start + STEP * number for number in range(count)]
