"""Translation services for tests: local servers that speak the documented protocols, or misbehave.

with DeepLServer() as service:
    …  # microblog.translator.deepl.url = service.url
service.reply = Reply(456, {"message": "Quota exceeded"})
"""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from bs4 import BeautifulSoup
from bs4.element import NavigableString, PageElement, Tag

SECONDS_BETWEEN_BYTES = 0.02


@dataclass
class Reply:
    """What the service answers; `body` is JSON, or bytes that are sent as they are.

    `begin` and `drip`: only the beginning is sent, or all of it byte by byte, without an end. `chunked`: in
    pieces, without its length.
    """

    status: int = 200
    body: Any = None
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    begin: bool = False
    drip: bool = False
    chunked: bool = False


DROP = Reply(status=0)  # hang up without an answer
HANG = Reply(status=-1)  # never answer


@dataclass(frozen=True)
class Asked:
    """A request that the service got."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: Any


class Service:
    """A server on a free port. `reply` is the answer to everything; None: it does its work."""

    name: ClassVar[str]
    key = "0123-open-sesame"

    def __init__(self, *, context: ssl.SSLContext | None = None) -> None:
        self.reply: Reply | None = None
        self.asked: list[Asked] = []
        self.connections = 0
        self.waits = threading.Event()  # set once somebody hangs
        self.closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._make_handler())
        self._server.daemon_threads = True
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._scheme = "http" if context is None else "https"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}"

    @property
    def settings(self) -> dict[str, str]:
        prefix = f"microblog.translator.{self.name}"
        return {
            "microblog.translator": self.name,
            f"{prefix}.url": self.url,
            f"{prefix}.key": self.key,
            f"{prefix}.timeout": "5",
        }

    @property
    def texts(self) -> list[str]:
        """What it was asked to translate, as it was sent."""
        return [text for asked in self.asked if asked.method == "POST" for text in self.read_texts(asked)]

    def __enter__(self) -> Service:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _make_handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                service.connections += 1

            def log_message(self, *arguments: object) -> None:
                pass

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except OSError:
                    self.close_connection = True  # the client has gone

            def do_GET(self) -> None:
                service._handle(self)

            def do_POST(self) -> None:
                service._handle(self)

        return Handler

    def _handle(self, handler: BaseHTTPRequestHandler) -> None:
        content = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        parts = urlsplit(handler.path)
        asked = Asked(
            handler.command,
            parts.path,
            parse_qs(parts.query),
            {name.lower(): value for name, value in handler.headers.items()},
            json.loads(content) if content else None,
        )
        self.asked.append(asked)
        reply = self.reply or self.answer(asked)
        if reply in (DROP, HANG):
            if reply == HANG:
                self.waits.set()
                self.closing.wait()
            handler.close_connection = True
            return
        body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        handler.send_response(reply.status)
        length = {"Transfer-Encoding": "chunked"} if reply.chunked else {"Content-Length": str(len(body))}
        for name, value in {"Content-Type": reply.content_type, **length, **reply.headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        if reply.chunked:
            for piece in (body[:7], body[7:], b""):
                handler.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        elif reply.begin or reply.drip:
            self._send_slowly(handler, body, reply)
        else:
            handler.wfile.write(body)

    def _send_slowly(self, handler: BaseHTTPRequestHandler, body: bytes, reply: Reply) -> None:
        handler.close_connection = True
        handler.wfile.write(body[:1])
        for byte in body[1:] if reply.drip else b"":
            self.closing.wait(SECONDS_BETWEEN_BYTES)
            handler.wfile.write(bytes([byte]))
        if reply.begin:
            self.closing.wait()

    # What a protocol is

    def answer(self, asked: Asked) -> Reply:
        raise NotImplementedError

    def read_texts(self, asked: Asked) -> list[str]:
        raise NotImplementedError

    def refuse_key(self) -> Reply:
        raise NotImplementedError

    def refuse_quota(self) -> Reply:
        raise NotImplementedError

    def give(self, texts: list[object]) -> Reply:
        """A well-formed answer with these translations."""
        raise NotImplementedError


def shout(text: str) -> str:
    """A translation: every word is written in capitals."""
    return text.upper()


def translate_markup(markup: str, leaves_alone: Callable[[Tag], bool]) -> str:
    """The markup with its texts translated, as a service does it that parses markup."""
    soup = BeautifulSoup(markup, "html.parser")

    def walk(node: PageElement) -> None:
        if isinstance(node, NavigableString):
            node.replace_with(shout(str(node)))
        elif isinstance(node, Tag) and not leaves_alone(node):
            for child in list(node.children):
                walk(child)

    for child in list(soup.children):
        walk(child)
    return str(soup)


def is_not_translated(tag: Tag) -> bool:
    return tag.get("translate") == "no"


LANGUAGES = frozenset(
    [
        *("en", "es", "de", "fr", "ar", "nb", "pt", "sr", "zh", "zh-hans", "zh-hant", "pt-br", "pt-pt"),
        *("en-us", "en-gb", "fr-ca", "sr-cyrl", "sr-latn"),
    ]
)


class LibreTranslateServer(Service):
    """As `libretranslate/app.py` answers: JSON, and `&lt;` is `<` in it."""

    name = "libretranslate"

    def answer(self, asked: Asked) -> Reply:
        if asked.path == "/languages":
            return Reply(body=[{"code": code, "name": code, "targets": []} for code in sorted(LANGUAGES)])
        if asked.body.get("api_key") != self.key:
            return self.refuse_key()
        for code in (asked.body["source"], asked.body["target"]):
            if code.lower() not in LANGUAGES:
                return Reply(400, {"error": f"{code} is not supported"})
        assert asked.path == "/translate"
        assert asked.body["format"] == "html"
        return self.give(
            [
                # It puts all spaces into one, before it parses.
                unescape(translate_markup(" ".join(text.split()), is_not_translated))
                for text in self.read_texts(asked)
            ]
        )

    def read_texts(self, asked: Asked) -> list[str]:
        return list(asked.body["q"])

    def give(self, texts: list[object]) -> Reply:
        return Reply(body={"translatedText": texts})

    def refuse_key(self) -> Reply:
        return Reply(403, {"error": "Invalid API key"})

    def refuse_quota(self) -> Reply:
        """It knows requests a day, not characters a month."""
        return Reply(429, {"error": "Slowdown: 80 per 1 minute"})


class DeepLServer(Service):
    """As https://developers.deepl.com/api-reference/translate describes it."""

    name = "deepl"

    def answer(self, asked: Asked) -> Reply:
        if asked.headers.get("authorization") != f"DeepL-Auth-Key {self.key}":
            return self.refuse_key()
        if asked.path == "/v2/usage":
            return Reply(body={"character_count": 180_118, "character_limit": 500_000})
        assert asked.path == "/v2/translate"
        for name in ("source_lang", "target_lang"):
            if asked.body[name].lower() not in LANGUAGES:
                return Reply(400, {"message": f"Value for '{name}' not supported."})
        assert asked.body["tag_handling"] == "xml"
        (ignored,) = asked.body["ignore_tags"]
        return self.give(
            [translate_markup(text, lambda tag: tag.name == ignored) for text in self.read_texts(asked)]
        )

    def read_texts(self, asked: Asked) -> list[str]:
        return list(asked.body["text"])

    def give(self, texts: list[object]) -> Reply:
        return Reply(
            body={"translations": [{"detected_source_language": "ES", "text": text} for text in texts]}
        )

    def refuse_key(self) -> Reply:
        return Reply(403, {"message": "Forbidden"})

    def refuse_quota(self) -> Reply:
        return Reply(456, {"message": "Quota Exceeded"})


class MicrosoftServer(Service):
    """As learn.microsoft.com describes version 3.0."""

    name = "microsoft"
    region = "westeurope"

    @property
    def settings(self) -> dict[str, str]:
        return {**super().settings, "microblog.translator.microsoft.region": self.region}

    def answer(self, asked: Asked) -> Reply:
        named = (
            asked.headers.get("ocp-apim-subscription-key"),
            asked.headers.get("ocp-apim-subscription-region"),
        )
        if named != (self.key, self.region):
            return self.refuse_key()
        assert asked.path == "/translate"
        assert asked.query["api-version"] == ["3.0"]
        for code, name in ((400035, "from"), (400036, "to")):
            if asked.query[name][0].lower() not in LANGUAGES:
                return self.refuse(400, code, f"The {name} language is not valid.")
        if asked.query.get("textType") == ["html"]:
            return self.give([translate_markup(text, is_not_translated) for text in self.read_texts(asked)])
        return self.give([shout(text) for text in self.read_texts(asked)])

    def read_texts(self, asked: Asked) -> list[str]:
        return [item["Text"] for item in asked.body]

    def give(self, texts: list[object]) -> Reply:
        return Reply(body=[{"translations": [{"text": text, "to": "es"}]} for text in texts])

    def refuse(self, status: int, code: int, message: str) -> Reply:
        return Reply(status, {"error": {"code": code, "message": message}})

    def refuse_key(self) -> Reply:
        return self.refuse(401, 401000, "The request is not authorized.")

    def refuse_quota(self) -> Reply:
        return self.refuse(403, 403001, "The subscription has exceeded its free quota.")


SERVICES: dict[str, type[Service]] = {
    service.name: service for service in (LibreTranslateServer, DeepLServer, MicrosoftServer)
}
