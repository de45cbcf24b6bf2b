"""What a decoding process and its server say to each other."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microblog.media.wire import LENGTH, LONGEST_HEAD, LONGEST_PART, receive, send

HEADS = st.dictionaries(
    st.text(max_size=9).filter(lambda name: name != "parts"), st.integers() | st.text(max_size=9), max_size=4
)


def write(*parts: bytes) -> io.BytesIO:
    return io.BytesIO(b"".join(LENGTH.pack(len(part)) + part for part in parts))


@given(head=HEADS, parts=st.lists(st.binary(), max_size=4))
def test_what_is_sent_is_received(head, parts):
    file = io.BytesIO()
    send(file, head, *parts)
    send(file, {})
    file.seek(0)
    assert receive(file) == ({**head, "parts": len(parts)}, parts)
    assert receive(file) == ({"parts": 0}, [])


@given(data=st.binary(max_size=60))
def test_whatever_is_received_is_an_answer_or_an_error_that_is_known(data):
    try:
        head, parts = receive(io.BytesIO(data))
    except (EOFError, ValueError):
        return
    assert head["parts"] == len(parts)


@pytest.mark.parametrize("length", range(14))
def test_an_end_in_the_middle_is_noticed(length):
    file = io.BytesIO()
    send(file, {}, b"data")
    with pytest.raises(EOFError):
        receive(io.BytesIO(file.getvalue()[:length]))


@pytest.mark.parametrize(
    "file",
    [
        write(b"nothing"),
        write(b"[]"),
        write(b"{}"),
        write(b'{"parts": "1"}', b"data"),
        write(b'{"parts": -1}'),
        write(b'{"parts": 5}', *[b"data"] * 5),
        write(b'{"parts": 0, "more": "' + b"x" * LONGEST_HEAD + b'"}'),
        write(b"[" * 2_000),
        io.BytesIO(write(b'{"parts": 1}').getvalue() + LENGTH.pack(LONGEST_PART + 1)),
    ],
)
def test_what_no_process_of_ours_sends_is_refused(file):
    with pytest.raises(ValueError):  # noqa: PT011  # of several places
        receive(file)
