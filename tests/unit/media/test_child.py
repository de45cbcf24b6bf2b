"""The process that decodes pictures: what it answers, and what it is not allowed to do."""

from __future__ import annotations

import io
import os
import resource
import signal
import subprocess
import sys
from typing import Any

import pytest

from microblog.media.child import limit, main, serve
from microblog.media.plans import POST
from microblog.media.processes import PACKAGE, PROGRAM
from microblog.media.results import BROKEN, TOO_LARGE, Made
from microblog.media.wire import receive, send
from tests.failing_decoder import replace_make
from tests.media_corpus import jpeg_with

MEMORY = 150_000_000


def ask(*asked: tuple[dict[str, Any], bytes]) -> io.BytesIO:
    file = io.BytesIO()
    for head, data in asked:
        send(file, head, data)
    file.seek(0)
    return file


@pytest.fixture
def signals():
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


def test_each_picture_is_answered_until_there_are_no_more():
    sent = io.BytesIO()
    serve(ask(({"plan": POST}, jpeg_with()), ({"plan": POST}, jpeg_with()[:300])), sent, 60)
    sent.seek(0)
    head, pictures = receive(sent)
    assert head["sizes"] == [[96, 64], [96, 64]]
    assert [data[:4] for data in pictures] == [b"RIFF", b"RIFF"]
    assert receive(sent) == ({"refused": BROKEN, "parts": 0}, [])
    assert signal.alarm(0) == 0  # nothing is left behind


def test_a_process_whose_memory_did_not_suffice_ends():
    def make(data: bytes, plan: object) -> Made:
        raise MemoryError

    sent = io.BytesIO()
    serve(ask(*[({"plan": POST}, b"x")] * 2), sent, 60, make)
    sent.seek(0)
    assert receive(sent) == ({"refused": TOO_LARGE, "ends": True, "parts": 0}, [])
    assert sent.read() == b""


def test_it_says_that_it_is_ready_and_whether_its_memory_is_limited(signals):
    sent, limits = io.BytesIO(), {}
    assert (
        main([str(MEMORY), "60"], io.BytesIO(), sent, lambda kind, values: limits.update({kind: values})) == 0
    )
    sent.seek(0)
    head, _ = receive(sent)
    assert head["limited"] is (sys.platform == "linux")
    assert limits[resource.RLIMIT_NOFILE] == limits[resource.RLIMIT_FSIZE] == (0, 0)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN


def test_memory_is_limited_to_so_many_bytes_more_than_now(tmp_path):
    limits: dict[int, tuple[int, int]] = {}
    statm = tmp_path / "statm"
    statm.write_text("1000 500 300 1 0 200 0\n")
    assert limit(MEMORY, limits.__setitem__, statm)
    most = 1000 * resource.getpagesize() + MEMORY
    assert limits[resource.RLIMIT_AS] == (most, most)


def test_where_memory_cannot_be_limited_everything_else_is(tmp_path):
    limits: dict[int, tuple[int, int]] = {}
    assert not limit(MEMORY, limits.__setitem__, tmp_path / "none")
    assert resource.RLIMIT_AS not in limits
    assert limits[resource.RLIMIT_NOFILE] == (0, 0)


# In a process of its own


def run(script: str, asked: bytes = b"", seconds: int = 60) -> subprocess.CompletedProcess[bytes]:
    """The process, in which `make` of this script replaces what it does with a picture."""
    program = replace_make(script) if script else PROGRAM
    return subprocess.run(
        [sys.executable, "-P", "-c", program, str(PACKAGE), str(MEMORY), str(seconds)],
        input=asked,
        capture_output=True,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
        check=False,
    )


def test_it_ends_when_its_input_does():
    result = run("")
    assert (result.returncode, result.stderr) == (0, b"")
    assert receive(io.BytesIO(result.stdout))[0]["limited"] is (sys.platform == "linux")


def test_what_a_library_prints_is_no_answer():
    script = """
from microblog.media.decoding import make as made
make = lambda data, plan: os.write(1, b"printed") and made(data, plan)
"""
    result = run(script, ask(({"plan": POST}, jpeg_with())).getvalue())
    assert result.stderr == b"printed"
    answers = io.BytesIO(result.stdout)
    receive(answers)
    assert receive(answers)[0]["sizes"] == [[96, 64], [96, 64]]
    assert answers.read() == b""


TRIES = {
    "reads a file": "open('/etc/hostname')",
    "writes a file": "open('/tmp/decoded', 'w')",
    "opens a connection": "import socket; socket.socket()",
    "takes too much memory": f"bytes({2 * MEMORY})",
}


@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux limits all of this.")
@pytest.mark.parametrize("attempt", TRIES.values(), ids=TRIES)
def test_a_decoder_that_was_taken_over_can_do_little(attempt):
    script = f"""
import socket
from microblog.media.results import Refused
def make(data, plan):
    try:
        {attempt}
    except (OSError, MemoryError) as error:
        raise Refused(type(error).__name__)
    raise Refused("done")
"""
    result = run(script, ask(({"plan": POST}, b"x")).getvalue())
    answers = io.BytesIO(result.stdout)
    receive(answers)
    assert receive(answers)[0]["refused"] in ("OSError", "MemoryError")


def test_a_picture_without_end_ends_its_process_though_the_server_is_gone():
    script = """
import time
make = lambda data, plan: time.sleep(600)
"""
    result = run(script, ask(({"plan": POST}, b"x")).getvalue(), seconds=1)
    assert result.returncode == -signal.SIGALRM
