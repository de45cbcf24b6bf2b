"""Requests that nobody sends who wants to be answered: each is of a kind that once cost seconds or minutes.

They are the same each time. `tests/functional/test_cheap_requests.py` holds them to their price in the
application, `python -m benchmarks.hostile` sends them to a server.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

FORM = "application/x-www-form-urlencoded"
MEGABYTE = 990_000  # a little less than is accepted
BOUNDARY = "XXboundary"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"
# Accents out of order, characters that fold to many, blanks, what is longer on a page, links, flags.
UNITS = (
    *("a", "é", "\u0301\u0316", "a\u0301\u0316", "㌖", "ﷺ", "ᄀ", "日", "ΐ", "ﬃ", "कि", "ก็", "\u3000"),
    *(
        " ",
        "\n",
        "\x00",
        "\ufffd",
        '"',
        "<",
        "&",
        "'",
        "-",
        ".",
        "@",
        "@ab ",
        "xn--a.",
        "a.com/(",
        "http://a.",
    ),
    *("👩\u200d👩\u200d", "\U0001f1e6", "\U000e0061", "\u202e", "\u200b", "إ\u0651\u064e", "שָׁ", "İ", "ß"),
)
FORMS = {
    "/register": ("nickname", "email", "password", "next"),
    "/login": ("nickname", "password", "next", "remember_me"),
    "/logout": ("next",),
    "/posts/": ("body", "key", "next"),
    "/account/profile": ("nickname", "about_me"),
    "/users/susan/follow": ("next",),
    "/posts/1/delete": ("next",),
    "/search": ("q",),
    "/nothing": ("body",),
}
PAGES = ("/", "/explore", "/search", "/users/", "/users/susan", "/login", "/register", "/posts/1", "/nothing")
FIELDS_OF_A_QUERY = ("q", "next", "before", "after", "by")
HEADERS = (
    *("Cookie", "Accept", "Accept-Language", "Accept-Encoding", "Accept-Charset", "Authorization", "Range"),
    *("If-None-Match", "If-Modified-Since", "If-Range", "Host", "Origin", "Referer", "Sec-Fetch-Site"),
    *("User-Agent", "X-Request-ID", "X-CSRF-Token", "X-Forwarded-For", "X-Forwarded-Host", "Forwarded"),
    *("X-Forwarded-Proto", "X-Microblog-Profile", "Content-Type", "Cache-Control", "Via", "X-Whatever"),
)
HEADER_UNITS = (
    *(
        "a",
        ";",
        ",",
        '"',
        "a=",
        "a;",
        "a,",
        'a="',
        '\\"',
        'a="\\',
        "en-a1-",
        "en;q=0.1,",
        "*/*;q=0.1,",
        "a/b;",
    ),
    *(
        'W/"a",',
        " ",
        "a ",
        "\t",
        "%",
        "\xff",
        "=?utf-8?q?",
        "1.1.1.1,",
        "for=a;",
        "session=a;",
        "bytes=0-,",
        "-",
    ),
)


@dataclass(frozen=True, slots=True)
class HostileRequest:
    """`path` and the headers as they go over the line, in latin-1. `gives_back` says that the answer may hold
    what was typed, since nothing that somebody typed is lost."""

    name: str
    method: str = "GET"
    path: str = "/"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    gives_back: bool = False


def hostile_requests(seed: int = 8, *, thorough: bool = False) -> Iterator[HostileRequest]:
    """One after the other: all of them at once are half a gigabyte."""
    for make in {**KINDS, **(THOROUGH if thorough else {})}.values():
        yield from make(random.Random(seed))


def post(name: str, body: bytes, content_type: str = FORM, path: str = "/posts/") -> HostileRequest:
    return HostileRequest(name, "POST", path, (("Content-Type", content_type),), body)


def repeated(unit: str | bytes, length: int) -> bytes:
    raw = unit if isinstance(unit, bytes) else unit.encode("utf-8", "surrogatepass")
    return (raw * (length // len(raw) + 1))[: length // len(raw) * len(raw)]


def floods(chance: random.Random) -> Iterator[HostileRequest]:
    """More fields than any form has, in each way to write them."""
    units = ["x=&", "&", "=", "=&", "x", "x=1&", "%", "%4", "%41", "%41a", "+", ";", "a;", "%26", "&amp;"]
    units += ["csrf_token=x&", "body=x&", "next=/&", "%FF", "%ED%A0%80", "%00", "%F0%9F%98%80"]
    for unit in units:
        yield post(f"flood of {unit}", repeated(unit, MEGABYTE))
    for charset in ("utf-8", "utf-7", "utf-16", "utf-32", "base64", "zip", "idna", "nonsense", "a" * 100):
        yield post(f"charset {charset[:20]}", repeated("x=&", MEGABYTE), f"{FORM}; charset={charset}")
    yield post(
        "99 fields of ten kilobytes", "&".join(f"{'n' * 5000}{n}={'v' * 4000}" for n in range(99)).encode()
    )
    yield post("bytes of utf-16", ("body=" + "a" * 400_000).encode("utf-16"))
    for kind in ("application/json", "text/plain", "application/xml", "", "multipart/mixed", ";;;", "\xff"):
        yield post(f"content type {kind}", repeated("[", MEGABYTE), kind)


def long_fields(chance: random.Random) -> Iterator[HostileRequest]:
    """Fields of our forms, filled with each kind of character."""
    paths = list(FORMS)
    for number, unit in enumerate(UNITS):
        for path in (paths[number % len(paths)], chance.choice(paths)):
            yield long_field(path, chance.choice(FORMS[path]), unit)
    for unit in ("\u0301\u0316", "<", "㌖"):
        for path, names in FORMS.items():
            fields = "&".join(f"{name}={quote(unit * 10_000)}" for name in names).encode()
            yield HostileRequest(
                f"{path} all {unit!r}", "POST", path, (("Content-Type", FORM),), fields, gives_back=True
            )


def each_long_field(chance: random.Random) -> Iterator[HostileRequest]:
    """Each field of each form with each kind of character."""
    for path, names in FORMS.items():
        for name in names:
            for unit in UNITS:
                yield long_field(path, name, unit)


def long_field(path: str, name: str, unit: str) -> HostileRequest:
    """As a browser writes it, for letters that take long to read, else as it is."""
    raw = repeated(unit, MEGABYTE)
    if unit in ("é", "日", "&", "%", "+", "\x00", " "):
        raw = quote(raw[: MEGABYTE // 3], safe="").encode()
    body = f"{name}=".encode() + raw
    return HostileRequest(f"{path} {name} {unit!r}", "POST", path, (("Content-Type", FORM),), body, True)


def part(disposition: str, value: bytes = b"x", more: str = "") -> bytes:
    head = f"--{BOUNDARY}\r\nContent-Disposition: {disposition}{more}\r\n\r\n"
    return head.encode("latin-1") + value + b"\r\n"


END = f"--{BOUNDARY}--\r\n".encode()


def broken_multiparts(chance: random.Random) -> Iterator[HostileRequest]:
    for unit in (";", '\\"', "\\", '"', "a=", "; ", "%22", "=?utf-8?q?a?= ", "; name=", " ", "\xff", "*0="):
        for length in (4_000, 60_000, MEGABYTE - 200):
            value = unit * (length // len(unit))
            yield post(f"name of {unit!r} {length}", part(f'form-data; name="{value}"') + END, MULTIPART)
            yield post(f"options of {unit!r} {length}", part(f"form-data; name=x; {value}") + END, MULTIPART)
    yield post("nested 400 times", nested(400), MULTIPART)
    yield post("nested 10,000 times", nested(10_000)[:MEGABYTE], MULTIPART)
    many = part('form-data; name="x"', b"")
    yield post("many parts", (many * (MEGABYTE // len(many)))[:-100] + END, MULTIPART)
    yield post("99 parts", part('form-data; name="x"', b"v" * 9_000) * 99 + END, MULTIPART)
    for name, line in {
        "headers": "a: b\r\n",
        "headers over many lines": " a\r\n",
        "empty headers": ":\r\n",
        "one long header": "a",
        "line ends": "\r\n",
        "line feeds": "\n",
        "carriage returns": "\r",
        "half boundaries": f"\r\n--{BOUNDARY[:-1]}",
        "boundaries": f"--{BOUNDARY}\r\n",
        "zeros": "\x00",
    }.items():
        start = f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=x\r\n"
        yield post(f"{name} in a head", start.encode() + repeated(line, MEGABYTE - 100), MULTIPART)
        yield post(f"{name} in a part", start.encode() + b"\r\n" + repeated(line, MEGABYTE - 100), MULTIPART)
        yield post(f"{name} before the parts", repeated(line, MEGABYTE), MULTIPART)
        yield post(
            f"{name} after the parts", part("form-data; name=x") + END + repeated(line, 900_000), MULTIPART
        )
    for boundary in (
        "",
        '""',
        "\r",
        "-" * 70,
        "a" * 71,
        "a" * 7000,
        ";" * 7000,
        '"' + "\\" * 7000,
        "\xff",
        "--",
    ):
        yield post(
            f"boundary {boundary[:9]!r}", repeated("-", MEGABYTE), f"multipart/form-data; boundary={boundary}"
        )
    long_file = part('form-data; name="x"; filename="x.png"', b"\x00" * (MEGABYTE - 300))
    yield post("a long file", long_file + END, MULTIPART)
    empty_file = part('form-data; name="x"; filename="x.png"', b"")
    yield post("99 files", empty_file * 99 + END, MULTIPART)
    for charset in ("utf-16", "utf-7", "base64", "nonsense"):
        more = f"\r\nContent-Type: text/plain; charset={charset}"
        yield post(f"part in {charset}", part("form-data; name=body", b"a" * 900_000, more) + END, MULTIPART)
    for encoding in ("base64", "quoted-printable", "x" * 3000):
        more = f"\r\nContent-Transfer-Encoding: {encoding}"
        yield post(
            f"part in {encoding[:9]}", part("form-data; name=body", b"=" * 900_000, more) + END, MULTIPART
        )


def nested(times: int) -> bytes:
    """Parts within parts."""
    body = b""
    boundary = BOUNDARY
    for number in range(times):
        inner = f"b{number}"
        body += (
            f"--{boundary}\r\nContent-Disposition: form-data; name=x\r\n"
            f"Content-Type: multipart/mixed; boundary={inner}\r\n\r\n"
        ).encode()
        boundary = inner
    return body


def multiparts_of_random_pieces(chance: random.Random) -> Iterator[HostileRequest]:
    pieces = [
        f"--{BOUNDARY}",
        "--",
        "\r\n",
        "\r\n\r\n",
        "\n",
        '"',
        ";",
        "\\",
        "name=",
        "filename=",
        "form-data",
    ]
    pieces += [
        "Content-Disposition: ",
        "Content-Type: ",
        "multipart/mixed",
        "boundary=",
        "x",
        " ",
        "%22",
        "é",
    ]
    for number in range(40):
        some = "".join(chance.choices(pieces, k=chance.choice([10, 100, 1000])))
        start = part("form-data; name=x") if chance.random() < 0.5 else b""
        yield post(f"pieces {number}", (start + repeated(some, MEGABYTE - 200))[:MEGABYTE], MULTIPART)


def long_headers(chance: random.Random) -> Iterator[HostileRequest]:
    for number, name in enumerate(HEADERS):
        for shift in range(4):
            unit = HEADER_UNITS[(number * 5 + shift * 7) % len(HEADER_UNITS)]
            for length in (8_000, 200_000):
                value = (unit * length)[:length]
                method = "POST" if name in ("Content-Type", "Origin", "X-CSRF-Token") else "GET"
                yield HostileRequest(f"{name} {unit!r} {length}", method, "/", ((name, value),))
    for unit in HEADER_UNITS:
        yield HostileRequest(f"Cookie {unit!r}", "GET", "/", (("Cookie", (unit * 8_000)[:8_000]),))
    yield HostileRequest("many headers", headers=tuple((f"X-{number}", "a" * 100) for number in range(2000)))


def long_addresses(chance: random.Random) -> Iterator[HostileRequest]:
    for number, unit in enumerate(
        ["x=&", "&", "=", ";", "%", "%41", "%FF", "%26", "+", "q=", "/", "?", "\xff"]
    ):
        for length in (16_000, 250_000):
            path = PAGES[number % len(PAGES)]
            yield HostileRequest(f"query of {unit!r} {length}", path=f"{path}?{(unit * length)[:length]}")
    for unit in (
        "/",
        "a",
        "/a",
        "/.",
        "/..",
        "%2f",
        "%00",
        "%ff",
        "\xff",
        ";",
        "//",
        "/%61",
        "é".encode().decode("latin-1"),
    ):
        for length in (16_000, 200_000):
            yield HostileRequest(f"path of {unit!r} {length}", path="/" + (unit * length)[:length])
    for page in PAGES:
        for number, unit in enumerate(UNITS):
            name = FIELDS_OF_A_QUERY[number % len(FIELDS_OF_A_QUERY)]
            value = quote((unit * 500)[:500])
            yield HostileRequest(f"{page} {name} {unit!r}", path=f"{page}?{name}={value}")
    for unit in UNITS:
        phrases = " ".join(f'"{unit * 30}{end}"' for end in "あいうえおかきく")[:500]
        yield HostileRequest(f"phrases of {unit!r}", path=f"/search?q={quote(phrases)}")
        yield HostileRequest(
            f"words of {unit!r}", path=f"/search?q={quote((unit + ' ') * 100)[:500]}&by=relevance"
        )
        yield HostileRequest(f"not {unit!r}", path=f"/search?q={quote(('-' + unit + '* ') * 100)[:500]}")


def other_methods(chance: random.Random) -> Iterator[HostileRequest]:
    for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO", "A" * 7000):
        form = (("Content-Type", FORM),)
        yield HostileRequest(f"{method[:9]} with a form", method, "/posts/", form, repeated("x=&", MEGABYTE))
        multipart = (("Content-Type", MULTIPART),)
        body = part('form-data; name="' + ";" * 60_000 + '"') + END
        yield HostileRequest(f"{method[:9]} with parts", method, "/posts/", multipart, body)
    elsewhere = (("Content-Type", FORM), ("Origin", "http://evil.example"))
    yield HostileRequest("from another site", "POST", "/posts/", elsewhere, repeated("body=x&", MEGABYTE))


KINDS: dict[str, Callable[[random.Random], Iterator[HostileRequest]]] = {
    "floods": floods,
    "long fields": long_fields,
    "broken multiparts": broken_multiparts,
    "multiparts of random pieces": multiparts_of_random_pieces,
    "long headers": long_headers,
    "long addresses": long_addresses,
    "other methods": other_methods,
}
# Not among those of the tests: they take minutes.
THOROUGH = {"each long field": each_long_field}
