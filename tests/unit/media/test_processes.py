"""Processes that decode pictures: real ones, some of which do not do what they should."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from microblog.media.plans import AVATAR, POST
from microblog.media.processes import Busy, CannotStart, Child, Decoder, read_answer
from microblog.media.results import BROKEN, TOO_LARGE, TOO_SLOW, Refused
from tests.failing_decoder import FAILING
from tests.media_corpus import draw, save

PICTURE = save(draw(), "PNG")
PATIENCE_SECONDS = 60.0
WEBP = b"RIFF\0\0\0\0WEBPVP8 "


def answering(answer: str) -> str:
    """A decoder that was taken over, and answers this."""
    return f"""
import os, struct, sys
def send(text, *parts):
    for part in (text.encode(), *parts):
        os.write(1, struct.pack(">I", len(part)) + part)
send('{{"limited": true, "parts": 0}}')
sys.stdin.buffer.read(1)
{answer}
sys.stdin.buffer.read()
"""


@pytest.fixture
def make_decoder() -> Iterator[Callable[..., Decoder]]:
    made = []

    def make(*children: int, **more: object) -> Decoder:
        made.append(Decoder(*children, **more))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for decoder in made:
        decoder.close()


def refuse(decoder: Decoder | Child, data: bytes) -> str:
    with pytest.raises(Refused) as refused:
        decoder.make(data, POST)
    return refused.value.reason


def is_gone(process: int) -> bool:
    """It has ended; its parent may not have asked for its status yet."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return True
    return "State:\tZ" in status


def wait_until_gone(process: int) -> bool:
    end = time.monotonic() + PATIENCE_SECONDS
    while not is_gone(process) and time.monotonic() < end:
        time.sleep(0.02)
    return is_gone(process)


def test_processes_start_with_the_first_picture_and_are_used_again(make_decoder):
    decoder = make_decoder()
    assert decoder.list_processes() == []
    made = decoder.make(PICTURE, AVATAR)
    assert [(picture.width, picture.height) for picture in made.pictures] == [(384, 384), (96, 96)]
    first = decoder.list_processes()
    assert len(first) == 1
    assert decoder.make(PICTURE, AVATAR) == made
    assert refuse(decoder, PICTURE[:100]) == BROKEN
    assert decoder.list_processes() == first


def test_many_threads_share_two_processes(make_decoder):
    decoder = make_decoder(2, seconds_of_waiting=PATIENCE_SECONDS, most_waiting=6)
    colors = [(index * 10, 0, 255 - index * 10) for index in range(24)]
    files = [save(Image.new("RGB", (300, 200), color), "PNG") for color in colors]
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda data: decoder.make(data, POST), files))
    for one, color in zip(made, colors, strict=True):
        found = bytes.fromhex(one.color[1:])
        assert all(abs(a - b) < 9 for a, b in zip(found, color, strict=True))
    assert 1 <= len(decoder.list_processes()) <= 2


def test_a_picture_for_which_there_is_no_place_comes_too_early(make_decoder):
    with pytest.raises(Busy):
        make_decoder(0, seconds_of_waiting=0.01).make(PICTURE, POST)
    with pytest.raises(Busy):
        make_decoder(0, most_waiting=0).make(PICTURE, POST)


def test_a_process_that_takes_too_long_is_killed(caplog):
    child = Child(FAILING, seconds=0.2)
    assert refuse(child, b"sleep") == TOO_SLOW
    assert not child.is_usable
    assert is_gone(child.id)
    (record,) = caplog.records
    assert (record.levelno, record.reason) == (logging.WARNING, TOO_SLOW)


@pytest.mark.parametrize(("data", "reason"), [(b"die", BROKEN), (b"memory", TOO_LARGE)])
def test_a_process_that_ends_is_replaced(make_decoder, data, reason):
    decoder = make_decoder(1, program=FAILING)
    decoder.make(PICTURE, POST)
    (first,) = decoder.list_processes()
    assert refuse(decoder, data) == reason
    assert decoder.list_processes() == []
    assert is_gone(first)
    decoder.make(PICTURE, POST)
    assert decoder.list_processes() != [first]


def test_a_process_that_was_killed_between_two_pictures_costs_none(make_decoder):
    decoder = make_decoder(1)
    decoder.make(PICTURE, POST)
    (first,) = decoder.list_processes()
    os.kill(first, signal.SIGKILL)
    assert wait_until_gone(first)
    decoder.make(PICTURE, POST)
    assert decoder.list_processes() not in ([], [first])


def test_ctrl_c_and_the_end_of_the_service_leave_a_picture_time_to_be_made(make_decoder):
    decoder = make_decoder(1)
    decoder.make(PICTURE, POST)
    before = decoder.list_processes()
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(before[0], number)
    decoder.make(PICTURE, POST)
    assert decoder.list_processes() == before


@pytest.mark.parametrize(
    "answer",
    [
        "os.write(1, b'nothing that we would say')",
        "send('{}')",
        "send('{\"parts\": 100000}')",
        'send(\'{"refused": "<b>", "parts": 0}\')',
        'send(\'{"refused": ["x"], "parts": 0}\')',
        "send('{\"parts\": 0}')",
        'send(\'{"color": "red;x:y", "sizes": [], "parts": 0}\')',
        'send(\'{"color": 1, "sizes": [], "parts": 0}\')',
        'send(\'{"color": "#000000", "sizes": [], "parts": 0}\')',
        'send(\'{"color": "#000000", "sizes": [[1, 1], [1, 1]], "parts": 2}\', b"<html>", b"<html>")',
        f'send(\'{{"color": "#000000", "sizes": [[1, 1], [9999, 1]], "parts": 2}}\', {WEBP!r}, {WEBP!r})',
        f'send(\'{{"color": "#000000", "sizes": [[1, 1], ["1", 1]], "parts": 2}}\', {WEBP!r}, {WEBP!r})',
        f'send(\'{{"color": "#000000", "sizes": [[1, 1], [0.5, 1]], "parts": 2}}\', {WEBP!r}, {WEBP!r})',
        f'send(\'{{"color": "#000000", "sizes": [[1, 1], [1]], "parts": 2}}\', {WEBP!r}, {WEBP!r})',
        "send('[' * 2_000)",
    ],
)
def test_an_answer_that_none_of_ours_gives_is_not_believed(make_decoder, answer):
    decoder = make_decoder(1, program=answering(answer))
    assert refuse(decoder, PICTURE) == BROKEN
    assert decoder.list_processes() == []


def test_an_answer_with_the_pictures_of_the_plan_is_believed():
    head = {"color": "#a0b0c0", "sizes": [[1600, 2], [640, 1]]}
    made = read_answer(head, [WEBP, WEBP], POST)
    assert (made.color, made.pictures[0].width, made.pictures[1].data) == ("#a0b0c0", 1600, WEBP)


@pytest.mark.parametrize(
    "program", ["raise SystemExit(1)", "print('no length', flush=True)", "#" * 3_000_000]
)
def test_a_process_that_does_not_start_is_said_and_leaves_its_place_free(make_decoder, program):
    decoder = make_decoder(1, program=program)
    for _ in range(2):
        with pytest.raises(CannotStart, match="The process that decodes pictures "):
            decoder.make(PICTURE, POST)


def test_memory_that_cannot_be_limited_is_said_once(make_decoder, caplog):
    # As on a Mac.
    unlimited = "import microblog.media.child as child\nchild.limit = lambda *arguments: False\n"
    decoder = make_decoder(1, program=FAILING.replace("sys.exit(", f"{unlimited}sys.exit("))
    decoder.make(PICTURE, POST)
    assert refuse(decoder, b"memory") == TOO_LARGE
    decoder.make(PICTURE, POST)
    assert [record.getMessage() for record in caplog.records] == [
        "This system cannot limit the memory of the processes that decode pictures."
    ]


def test_nothing_of_the_environment_is_passed_on(make_decoder, monkeypatch):
    monkeypatch.setenv("MICROBLOG_SECRET", "of the site")
    decoder = make_decoder(1)
    decoder.make(PICTURE, POST)
    (process,) = decoder.list_processes()
    environ = Path(f"/proc/{process}/environ").read_bytes()
    assert b"LC_ALL=C.UTF-8" in environ
    assert b"MICROBLOG" not in environ


# The end


def test_closing_ends_the_processes_and_what_comes_later_is_served_nevertheless(make_decoder):
    decoder = make_decoder(2)
    decoder.make(PICTURE, POST)
    (process,) = decoder.list_processes()
    decoder.close()
    assert is_gone(process)
    decoder.make(PICTURE, POST)
    assert decoder.list_processes() == []


SERVER = """
import os, sys
from microblog.media.processes import Decoder
from microblog.media.plans import POST
data = sys.stdin.buffer.read(%d)
decoder = Decoder(1)
decoder.make(data, POST)
print(*decoder.list_processes(), flush=True)
"""


def start_server(more: str) -> subprocess.Popen[bytes]:
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER % len(PICTURE) + more], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert server.stdin is not None
    server.stdin.write(PICTURE)
    server.stdin.flush()
    return server


def test_a_server_that_is_killed_leaves_no_process_behind():
    with start_server("sys.stdin.buffer.read()") as server:
        assert server.stdout is not None
        process = int(server.stdout.readline())
        assert not is_gone(process)
        server.kill()
        server.wait()
        assert wait_until_gone(process)


FORK = """
if not (forked := os.fork()):
    decoder.make(data, POST)
    print(*decoder.list_processes(), flush=True)
    decoder.close()
    os._exit(0)
os.waitpid(forked, 0)
decoder.make(data, POST)
print(*decoder.list_processes(), flush=True)
decoder.close()
"""


def test_a_server_that_forks_shares_no_process_with_its_fork():
    with start_server(FORK) as server:
        assert server.stdout is not None
        first, of_the_fork, still = [int(line) for line in server.stdout.read().split()]
    assert first == still != of_the_fork
    assert is_gone(first)
    assert is_gone(of_the_fork)
