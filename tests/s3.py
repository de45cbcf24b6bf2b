"""A real S3 server for tests: moto, in a process of its own, which can be stopped, killed and started again.

with S3Server() as server:
    settings = server.make_bucket()
"""

from __future__ import annotations

import secrets
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from microblog.media.storage.s3 import make_client
from microblog.media.storage.settings import FOR_S3, STORAGE
from microblog.settings import Settings
from tests.sink import free_port

SECONDS_TO_START = 60.0


class S3Server:
    """What is stored is lost when it ends."""

    def __init__(self) -> None:
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> S3Server:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.kill()

    def start(self) -> None:
        """Returns when it answers."""
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + SECONDS_TO_START
        while True:
            try:
                urllib.request.urlopen(self.address, timeout=SECONDS_TO_START).close()
            except urllib.error.HTTPError as answer:
                answer.close()
                return
            except OSError:
                assert self._process.poll() is None, "The S3 server has ended."
                assert time.monotonic() < end, "The S3 server does not start."
                time.sleep(0.05)
            else:
                return

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """It takes connections, and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def make_bucket(self, name: str | None = None) -> dict[str, str]:
        """A new bucket; returns the settings that keep pictures in it."""
        name = name or f"pictures-{secrets.token_hex(6)}"
        values = settings_of(self.address, name)
        make_client(read(values)).create_bucket(Bucket=name)
        return values


def settings_of(address: str, bucket: str) -> dict[str, str]:
    return {
        "microblog.media.storage": "s3",
        "microblog.media.s3.endpoint": address,
        "microblog.media.s3.bucket": bucket,
        "microblog.media.s3.access_key": "susan",
        "microblog.media.s3.secret_key": "open sesame",
        "microblog.media.s3.timeout": "20",
    }


def read(values: dict[str, str], *more: Any) -> Settings:
    """Settings of a storage without an application."""
    settings = Settings(values, {})
    settings.declare(STORAGE, *FOR_S3, *more)
    return settings


@dataclass(frozen=True)
class Answer:
    """What a server says to every question. It sends `pieces` of the body with pauses, and may say a `length`
    that is more than it sends.
    """

    status: int = 200
    body: bytes = b""
    pieces: int = 1
    pause: float = 0.0
    length: int | None = None


@contextmanager
def answering(answer: Answer) -> Iterator[str]:
    """The address of a server that gives this answer; no S3 server gives it when it is asked to."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(answer.status)
            self.send_header("Content-Length", str(answer.length or len(answer.body)))
            self.send_header("Last-Modified", "Fri, 27 Nov 2026 08:00:00 GMT")
            self.end_headers()
            size = -(-len(answer.body) // answer.pieces)
            with suppress(OSError):  # who asked may have gone
                for start in range(0, len(answer.body), max(size, 1)):
                    self.wfile.write(answer.body[start : start + size])
                    over.wait(answer.pause)
            self.close_connection = True

        do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815

        def log_message(self, *arguments: object) -> None:
            pass

    over = threading.Event()
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        over.set()
        server.shutdown()
        thread.join()
