"""Chooses ids for imported posts, so that posts with the same timestamp keep the order of their lines.

An id begins with the millisecond of its post, and a site that exports only whole seconds has many posts in
one millisecond. So the rest of the id is assigned in steps: later lines, of the next transaction, after an
interruption or from another file, come after those that exist; a corrected line comes between its
neighbours.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence

from microblog.ids import SEQUENCE_BITS

# Leaves room for 63 corrected lines in a row. A millisecond has room for 16,384 lines; more use the next one.
STEP = 64
IDS_IN_A_MILLISECOND = 1 << SEQUENCE_BITS


def is_full(first: int, taken: Sequence[int]) -> bool:
    """Do further posts of the millisecond that begins with `first` overflow into the next one?"""
    return bool(taken) and taken[-1] >= first + IDS_IN_A_MILLISECOND - STEP


def assign_ids(first: int, taken: Sequence[int], lines: Sequence[int | None], after: int | None) -> list[int]:
    """An id for each line of one millisecond, in the order of the file.

    `first` is the first id of the millisecond, `taken` are the ids in use, sorted. `lines` holds the id
    of each line that is a post already, or None. `after` is the id of the line of this millisecond before
    these, if it is known.
    """
    used = list(taken)
    assigned: list[int] = []
    before = after
    for number, known in enumerate(lines):
        if known is not None:
            before = known
        elif number == len(assigned):  # otherwise it was assigned with those before it
            run = next((end for end in range(number, len(lines)) if lines[end] is not None), len(lines))
            ids = choose_ids(first, used, run - number, before, lines[run] if run < len(lines) else None)
            for post_id in ids:
                insort(used, post_id)
            assigned += ids
            before = ids[-1]
        if known is not None:
            assigned.append(known)
    return assigned


def choose_ids(
    first: int, used: Sequence[int], count: int, before: int | None, behind: int | None
) -> list[int]:
    """Ids for `count` new lines in a row, between the posts of the lines before and behind them."""
    if before is None and behind is not None:
        index = bisect_left(used, behind)
        before = used[index - 1] if index else first - 1
        between = choose_ids_between(before, behind, count)
    elif before is not None and (next_used := bisect_right(used, before)) < len(used):
        between = choose_ids_between(before, used[next_used], count)
    else:
        between = []
    return between or choose_ids_after(max(used[-1] if used else first, before or first), count)


def choose_ids_between(before: int, behind: int, count: int) -> list[int]:
    """Evenly spaced ids; an empty list when there is not enough room."""
    step = (behind - before) // (count + 1)
    return [before + step * (number + 1) for number in range(count)] if step else []


def choose_ids_after(last: int, count: int) -> list[int]:
    start = (last // STEP + 1) * STEP
    return [start + STEP * number for number in range(count)]
