"""What it costs to send a picture from `/media/`, beside a static file of the same size.

    python -m benchmarks.serving_pictures [--requests N] [--rounds N]

First the application alone, without a server; then waitress in a process of its own, which is asked for all
by turns, over connections that stay open. Processor time counts, since other work on the machine shows in
the requests a second.
"""

from __future__ import annotations

import argparse
import http.client
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any
from wsgiref.util import FileWrapper

from waitress.server import create_server
from webob import Request

from microblog import configure
from microblog.media.storage.interfaces import get_storage

SIZES = (5_000, 50_000, 300_000)  # bytes: a small avatar, a picture in a list, a large one
CLIENTS = 2
THREADS = 4
REQUESTS_WITHOUT_SERVER = 200
ROUNDS_WITHOUT_SERVER = 20
KINDS = ("picture", "static", "head", "unchanged")
TICKS = os.sysconf("SC_CLK_TCK")


def make_name(size: int) -> str:
    return f"{size:022}-0.webp"


def make_application(folder: Path, **more: str) -> Any:
    """A site with a picture, and a static file, of each size."""
    settings = {
        "microblog.secret": secrets.token_hex(),
        "microblog.database.url": "sqlite+pysqlite://",
        "microblog.worker": "off",
        "microblog.search": "none",
        "microblog.media.folder": str(folder / "media"),
        **more,
    }
    config = configure(settings, environ={})
    config.add_static_view("bench", str(folder / "static"), cache_max_age=86_400)
    application = config.make_wsgi_app()
    (folder / "static").mkdir(exist_ok=True)
    for size in SIZES:
        data = secrets.token_bytes(size)
        get_storage(application.registry).put(make_name(size), data)
        (folder / "static" / make_name(size)).write_bytes(data)
    return application


def get_path(kind: str, size: int) -> str:
    return f"/{'bench' if kind == 'static' else 'media'}/{make_name(size)}"


def measure_application(folder: Path) -> dict[str, float]:
    """Microseconds of the processor for each kind, the least of many rounds."""
    plain = make_application(folder)
    with_nginx = make_application(folder, **{"microblog.media.accel_redirect": "/protected-media/"})
    applications = {"picture": plain, "static": plain, "by nginx": with_nginx}
    found: dict[str, list[float]] = {kind: [] for kind in applications}
    for _ in range(ROUNDS_WITHOUT_SERVER):
        for kind, application in applications.items():
            began = time.process_time()
            for _ in range(REQUESTS_WITHOUT_SERVER):
                environ = Request.blank(get_path(kind, SIZES[1])).environ
                environ["wsgi.file_wrapper"] = FileWrapper
                getattr(application(environ, lambda *arguments: None), "close", list)()
            found[kind].append((time.process_time() - began) * 1e6 / REQUESTS_WITHOUT_SERVER)
    return {kind: min(times) for kind, times in found.items()}


def serve(folder: Path) -> None:
    """Print the port, and serve until the standard input ends."""
    application = make_application(folder)
    server = create_server(application, host="127.0.0.1", port=0, threads=THREADS)
    print(server.effective_port, flush=True)
    threading.Thread(target=server.run, daemon=True).start()
    sys.stdin.read()


def read_processor_seconds(process_id: int) -> float:
    parts = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / TICKS


def ask(port: int, kind: str, size: int, times: int) -> None:
    path = get_path(kind, size)
    headers = {"If-None-Match": f'"{make_name(size)[:-5]}"'} if kind == "unchanged" else {}
    expected = {"head": (200, 0), "unchanged": (304, 0)}.get(kind, (200, size))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for _ in range(times):
        connection.request("HEAD" if kind == "head" else "GET", path, headers=headers)
        answer = connection.getresponse()
        if (answer.status, len(answer.read())) != expected:
            raise RuntimeError(f"{path} was answered with {answer.status}")
    connection.close()


def measure(port: int, process_id: int, kind: str, size: int, requests: int) -> tuple[float, float]:
    """(requests a second, milliseconds of the server's processor for each)"""
    clients = [
        threading.Thread(target=ask, args=(port, kind, size, requests // CLIENTS)) for _ in range(CLIENTS)
    ]
    used, began = read_processor_seconds(process_id), time.perf_counter()
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    seconds = time.perf_counter() - began
    return requests / seconds, (read_processor_seconds(process_id) - used) * 1000 / requests


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve)
        return
    with tempfile.TemporaryDirectory() as folder:
        for kind, microseconds in measure_application(Path(folder)).items():
            print(f"{kind:10}  {microseconds:6.0f} µs in the application")
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.serving_pictures", "--serve", folder]
        server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None
        assert server.stdin is not None
        port = int(server.stdout.readline())
        print("   bytes  what        requests/s  processor ms  of a static file")
        for size in SIZES:
            found: dict[str, list[tuple[float, float]]] = {kind: [] for kind in KINDS}
            for kind in KINDS:
                ask(port, kind, size, 100)
            for _ in range(arguments.rounds):
                for kind in KINDS:
                    found[kind].append(measure(port, server.pid, kind, size, arguments.requests))
            of_static = statistics.median(cost for _, cost in found["static"])
            for kind in KINDS:
                rate, cost = (statistics.median(numbers) for numbers in zip(*found[kind], strict=True))
                print(f"{size:8}  {kind:10}  {rate:10.0f}  {cost:12.3f}  {cost / of_static:16.2f}")
        server.stdin.close()
        server.stdout.close()
        server.wait()


if __name__ == "__main__":
    main()
