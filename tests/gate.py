"""A gate before a real server, for tests of what happens when that server is in trouble."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

LONGEST_HANG_SECONDS = 30
PRODUCT = {"X-Elastic-Product": "Elasticsearch"}


class Gate:
    """An HTTP server on a port of its own, as a context manager; `url` is its address.

    `mode` says what it does with a request: "pass" it to the server behind; "hang" until `let_go` is
    set; "drop" the connection; or answer itself, with a dictionary of `status`, `headers` and `body`.
    `headers` (in any case) are those of the last request, `requests` the paths of all.
    """

    def __init__(self, behind: str = "", *, tls: ssl.SSLContext | None = None) -> None:
        self.behind = urlsplit(behind)
        self.mode: Any = "pass"
        self.let_go = threading.Event()
        self.headers: Any = {}
        self.requests: list[str] = []
        gate = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except OSError:  # the client has gone
                    self.close_connection = True

            def answer(self) -> None:
                gate.answer(self)

            # http.server finds them by these names.
            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = answer  # noqa: N815

            def log_message(self, format: str, *values: Any) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._server.handle_error = lambda request, client_address: None  # type: ignore[method-assign]  # a client that goes is no error here
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        scheme = "http" if tls is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    def __enter__(self) -> Gate:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.let_go.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.headers = handler.headers
        self.requests.append(f"{handler.command} {handler.path}")
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        mode = self.mode
        if mode == "hang":
            self.let_go.wait(LONGEST_HANG_SECONDS)
        if mode in ("hang", "drop"):
            handler.close_connection = True
        elif mode == "pass":
            self.reply(handler, *self.asked(handler, body))
        else:
            content = json.dumps(mode.get("body", {})).encode()
            headers = {"Content-Type": "application/json", **mode.get("headers", {})}
            self.reply(handler, mode["status"], headers, content)

    def asked(self, handler: BaseHTTPRequestHandler, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """What the server behind answers."""
        connection = http.client.HTTPConnection(self.behind.hostname or "", self.behind.port)
        try:
            kept = {key: value for key, value in handler.headers.items() if key.lower() != "host"}
            connection.request(handler.command, handler.path, body, kept)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def reply(
        self, handler: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes
    ) -> None:
        handler.send_response(status)
        for key, value in headers.items():
            if key.lower() not in ("content-length", "transfer-encoding", "connection"):
                handler.send_header(key, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)
