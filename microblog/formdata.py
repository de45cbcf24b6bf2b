"""The fields of a submitted form, parsed within limits.

The input may come from anybody: it is read before the sender is known. So headers, fields and bytes of text
are counted before they are parsed, and every step takes time in proportion to the length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO

from multipart import (
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
    parse_options_header,
)
from pyramid.httpexceptions import HTTPBadRequest, HTTPRequestEntityTooLarge, HTTPUnsupportedMediaType

from microblog.i18n import _

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"

MOST_FIELDS = 100
MOST_ENCODED_BYTES = 1_000_000  # of a form without files, as it was sent
MOST_CHARACTERS = 200_000  # of all names and texts together; files do not count
LONGEST_CHARACTER = 4  # bytes in UTF-8
LONGEST_CONTENT_TYPE = 500  # characters
LONGEST_BOUNDARY = 70  # characters, as RFC 2046 has it
MOST_PART_HEADERS = 8
LONGEST_PART_HEADER = 4_000  # bytes
FILE_IN_MEMORY_BYTES = 100_000  # a larger file is stored on the disk
CHUNK_BYTES = 65_536

NOT_READABLE = _("This form could not be read: it is not UTF-8, or broken.")
NO_FORM = _("Only forms are accepted here, and this is not one.")
TOO_MANY_FIELDS = _(
    "This form has more than %(most)s fields, and none of ours has so many.", most=MOST_FIELDS
)
TOO_LONG = _(
    "The texts of this form have more than the %(most)s characters that are accepted here.",
    most=MOST_CHARACTERS,
)
TOO_LARGE_HEADERS = _("The names of this form's fields are longer than any of ours.")

ESCAPED = re.compile(rb"(?:%[0-9A-Fa-f]{2})+")
PLAIN_ENCODINGS = frozenset({"7bit", "8bit", "binary"})


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was sent with a form. Its name and type are what the sender says they are."""

    filename: str
    content_type: str
    file: IO[bytes]
    size: int


Field = tuple[str, str | Upload]


def parse_form(content_type: str, body: IO[bytes], length: int) -> list[Field]:
    """The fields in their order; the caller closes the files among them.

    :raises HTTPUnsupportedMediaType: when it is not a form.
    :raises HTTPRequestEntityTooLarge: when it exceeds a limit.
    :raises HTTPBadRequest: when it cannot be read.
    """
    if len(content_type) > LONGEST_CONTENT_TYPE:
        raise HTTPUnsupportedMediaType(NO_FORM)
    kind, options = parse_options_header(content_type)
    if kind not in (URLENCODED, MULTIPART):
        raise HTTPUnsupportedMediaType(NO_FORM)
    if not is_utf8(options.get("charset")):
        raise HTTPBadRequest(NOT_READABLE)
    try:
        if kind == URLENCODED:
            return collect_fields(parse_urlencoded(body, length))
        with ExitStack() as files:
            fields = collect_fields(parse_multipart(options.get("boundary", ""), body, length, files))
            files.pop_all()  # the form is complete: its files stay open
            return fields
    except ParserLimitReached as error:
        raise HTTPRequestEntityTooLarge(TOO_LARGE_HEADERS) from error
    except (MultipartError, UnicodeDecodeError) as error:
        raise HTTPBadRequest(NOT_READABLE) from error


def collect_fields(fields: Iterator[Field]) -> list[Field]:
    """All fields. Their length is limited, as a response may repeat them and escape a character by five."""
    found = []
    characters = 0
    for name, value in fields:
        characters += len(name) + (len(value) if isinstance(value, str) else len(value.filename))
        if characters > MOST_CHARACTERS:
            raise HTTPRequestEntityTooLarge(TOO_LONG)
        found.append((name, value))
    return found


def is_utf8(charset: str | None) -> bool:
    return charset is None or charset.lower() in ("utf-8", "utf8", "us-ascii")


def parse_urlencoded(body: IO[bytes], length: int) -> Iterator[Field]:
    if length > MOST_ENCODED_BYTES:
        raise HTTPRequestEntityTooLarge(TOO_LONG)
    text = body.read(length)
    if text.count(b"&") >= MOST_FIELDS:
        raise HTTPRequestEntityTooLarge(TOO_MANY_FIELDS)
    for field in text.split(b"&"):
        if field:
            name, _, value = field.partition(b"=")
            yield decode(name), decode(value)


def decode(text: bytes) -> str:
    # Not urllib's, which makes a list of all pieces: 0.3 s for a megabyte of percent signs.
    return ESCAPED.sub(unescape, text.replace(b"+", b" ")).decode()


def unescape(match: re.Match[bytes]) -> bytes:
    return bytes.fromhex(match[0].replace(b"%", b"").decode())


def parse_multipart(boundary: str, body: IO[bytes], length: int, files: ExitStack) -> Iterator[Field]:
    """Adds each file to `files`, which closes them when the rest of the form is broken."""
    if not 0 < len(boundary) <= LONGEST_BOUNDARY or not boundary.isascii() or not boundary.isprintable():
        raise HTTPBadRequest(NOT_READABLE)
    # Strict: else a header of several lines would be copied again for each of them.
    parser = PushMultipartParser(
        boundary, max_header_size=LONGEST_PART_HEADER, max_header_count=MOST_PART_HEADERS, strict=True
    )
    fields = Fields(files)
    with parser:
        for chunk in read_chunks(body, length):
            for event in parser.parse(chunk):
                if isinstance(event, MultipartSegment):
                    fields.begin(event)
                elif event is not None:
                    fields.add(event)
                else:
                    yield fields.end()


def read_chunks(body: IO[bytes], length: int) -> Iterator[bytes]:
    """The last chunk is never small: the parser accepts a line end after the form only in the same chunk."""
    while length > 2 * CHUNK_BYTES:
        yield body.read(CHUNK_BYTES)
        length -= CHUNK_BYTES
    if length > 0:
        yield body.read(length)


class Fields:
    """Joins the pieces of one field after another."""

    def __init__(self, files: ExitStack) -> None:
        self._files = files
        self._count = 0
        self._text_bytes = 0

    def begin(self, part: MultipartSegment) -> None:
        self._count += 1
        if self._count > MOST_FIELDS:
            raise HTTPRequestEntityTooLarge(TOO_MANY_FIELDS)
        encoding = part.header("Content-Transfer-Encoding", "binary").lower()
        is_nested = (part.content_type or "").startswith("multipart/")
        if is_nested or not is_utf8(part.charset) or encoding not in PLAIN_ENCODINGS:
            raise HTTPBadRequest(NOT_READABLE)
        self._part = part
        self._pieces: list[bytes] = []
        self._file: IO[bytes] | None = None
        # Browsers send a file field without a file, too; its file name is empty.
        if part.filename:
            self._file = SpooledTemporaryFile(FILE_IN_MEMORY_BYTES)  # noqa: SIM115  # closed by `files`
            self._files.callback(self._file.close)

    def add(self, piece: bytes) -> None:
        if self._file is not None:
            self._file.write(piece)
            return
        self._text_bytes += len(piece)
        if self._text_bytes > MOST_CHARACTERS * LONGEST_CHARACTER:
            raise HTTPRequestEntityTooLarge(TOO_LONG)
        self._pieces.append(piece)

    def end(self) -> Field:
        name, part = self._part.name or "", self._part
        if self._file is None:
            return name, b"".join(self._pieces).decode()
        self._file.seek(0)
        kind = part.content_type or "application/octet-stream"
        return name, Upload(part.filename or "", kind, self._file, part.size)
