"""The ids of imported posts of one millisecond: in the order of the lines, as long as there is room."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from microblog.ids import get_id_at
from microblog.importing.order import IDS_IN_A_MILLISECOND, STEP, assign_ids, is_full

FIRST = get_id_at(1_600_000_000_000)


def test_new_lines_have_room_before_between_and_behind_them():
    assigned = assign_ids(FIRST, [], [None] * 3, None)
    assert assigned == [FIRST + STEP, FIRST + 2 * STEP, FIRST + 3 * STEP]


def test_later_lines_go_behind_those_that_are_there():
    assert assign_ids(FIRST, [FIRST + 1000], [None], None) == [FIRST + 1024]


def test_a_corrected_line_goes_between_its_neighbours():
    first, third = assign_ids(FIRST, [], [None, None], None)
    (_, second, _) = assign_ids(FIRST, [first, third], [first, None, third], None)
    assert first < second < third
    (zeroth, *_) = assign_ids(FIRST, [first, second, third], [None, first, second, third], None)
    assert FIRST <= zeroth < first


def test_a_corrected_line_at_the_border_of_two_transactions_goes_between_them():
    one, two, three = assign_ids(FIRST, [], [None] * 3, None)
    (between,) = assign_ids(FIRST, [one, two, three], [None], one)
    assert one < between < two
    (behind,) = assign_ids(FIRST, [one, two, three], [None], three)
    assert behind > three


def test_a_corrected_first_line_stays_behind_other_files():
    other, mine = assign_ids(FIRST, [], [None] * 2, None)
    (corrected, _) = assign_ids(FIRST, [other, mine], [None, mine], None)
    assert other < corrected < mine


def test_where_there_is_no_room_lines_go_behind_all():
    used = [FIRST + 5, FIRST + 6, FIRST + 900]
    assert assign_ids(FIRST, used, [FIRST + 5, None, FIRST + 6], None) == [FIRST + 5, FIRST + 960, FIRST + 6]


def test_more_lines_than_a_millisecond_has_room_for_use_the_next_one():
    many = assign_ids(FIRST, [], [None] * (IDS_IN_A_MILLISECOND // STEP + 10), None)
    assert many == sorted(set(many))
    assert many[-1] >= FIRST + IDS_IN_A_MILLISECOND
    here = [post_id for post_id in many if post_id < FIRST + IDS_IN_A_MILLISECOND]
    assert is_full(FIRST, here)
    assert not is_full(FIRST, here[:-1])
    assert not is_full(FIRST, [])


@given(
    st.lists(st.booleans(), min_size=1, max_size=60),
    st.lists(st.integers(FIRST, FIRST + 10**6), unique=True, max_size=20),
    st.integers(1, 7),
)
def test_a_corrected_file_has_the_order_of_its_lines(was_right, others, chunk):
    """First some lines are right, the others are corrected later; in transactions of any length.

    The first line is right, since a transaction does not know what comes after it. Transactions of one line
    have room for six corrections in a row.
    """
    was_right = [True, *was_right]
    assume(all(any(was_right[line : line + 7]) for line in range(len(was_right) - 6)))
    posts: dict[int, int] = {}  # line: id
    used = sorted(others)
    for wanted in (lambda line: was_right[line], lambda line: True):
        after = None
        lines = [line for line in range(len(was_right)) if wanted(line)]
        for start in range(0, len(lines), chunk):
            numbers = lines[start : start + chunk]
            assigned = assign_ids(FIRST, used, [posts.get(line) for line in numbers], after)
            posts.update(zip(numbers, assigned, strict=True))
            used = sorted({*used, *assigned})
            after = assigned[-1]
    in_order = [posts[line] for line in sorted(posts)]
    assert len(set(in_order)) == len(was_right)
    assert not set(in_order) & set(others)
    assert in_order == sorted(in_order)
