"""Forms are read within limits, and as WebOb read them before."""

from __future__ import annotations

import gc
import io
import tempfile
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyramid.httpexceptions import HTTPBadRequest, HTTPRequestEntityTooLarge, HTTPUnsupportedMediaType
from webob import Request as WebObRequest

from microblog.formdata import (
    CHUNK_BYTES,
    FILE_IN_MEMORY_BYTES,
    LONGEST_BOUNDARY,
    LONGEST_PART_HEADER,
    MOST_CHARACTERS,
    MOST_ENCODED_BYTES,
    MOST_FIELDS,
    MOST_PART_HEADERS,
    MULTIPART,
    URLENCODED,
    Upload,
    parse_form,
)
from tests.cost import MOST_SECONDS, cost_of

BOUNDARY = "boundary"
TYPE = f"{MULTIPART}; boundary={BOUNDARY}"


def read(body: bytes, content_type: str = URLENCODED):
    return parse_form(content_type, io.BytesIO(body), len(body))


def part(head: str, value: bytes = b"x") -> bytes:
    return f"--{BOUNDARY}\r\n{head}\r\n\r\n".encode() + value + b"\r\n"


def field(name: str, value: bytes = b"x", more: str = "") -> bytes:
    return part(f'Content-Disposition: form-data; name="{name}"{more}', value)


def multipart(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


@given(st.lists(st.tuples(st.text(), st.text()), max_size=20))
def test_a_form_is_read_as_browsers_write_it(fields):
    request = WebObRequest.blank("/", POST=fields) if fields else WebObRequest.blank("/", method="POST")
    # webob.Request.blank escapes as a browser does.
    assert read(request.body) == fields


@settings(max_examples=200)
@given(st.binary(max_size=60) | st.text("a=&%+4Fé ", max_size=30).map(str.encode))
def test_what_can_be_read_means_what_webob_takes_it_for(body):
    try:
        fields = read(body)
    except HTTPBadRequest:
        return
    request = WebObRequest.blank("/", method="POST", body=body, content_type=URLENCODED)
    assert fields == [*request.POST.items()]


@given(
    st.lists(st.tuples(st.from_regex(r"[a-zé_]{1,9}", fullmatch=True), st.binary(max_size=99)), max_size=9)
)
def test_a_multipart_form_has_its_fields_in_order(fields):
    texts = [(name, value.hex()) for name, value in fields]
    body = multipart(*[field(name, value.encode()) for name, value in texts])
    assert read(body, TYPE) == texts


def test_names_are_read_as_browsers_quote_them():
    body = multipart(field("a%22b"), part("Content-Disposition: form-data; name=plain"))
    assert read(body, TYPE) == [('a"b', "x"), ("plain", "x")]


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/json", "multipart/mixed; boundary=b", ";"]
)
def test_a_body_that_is_no_form_is_not_read(content_type):
    with pytest.raises(HTTPUnsupportedMediaType):
        read(b"a=1", content_type)


def test_a_content_type_that_is_too_long_is_none():
    with pytest.raises(HTTPUnsupportedMediaType):
        read(b"a=1", f"{URLENCODED}; {'a' * 500}")


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", '"utf-8"', "utf8", "us-ascii"])
def test_utf8_may_be_said(charset):
    assert read(b"a=%C3%A9", f"{URLENCODED}; charset={charset}") == [("a", "é")]


@pytest.mark.parametrize("charset", ["latin-1", "utf-7", "utf-16", "base64", "nonsense"])
def test_no_other_code_is_read(charset):
    with pytest.raises(HTTPBadRequest):
        read(b"a=1", f"{URLENCODED}; charset={charset}")
    with pytest.raises(HTTPBadRequest):
        read(multipart(field("a", more=f"\r\nContent-Type: text/plain; charset={charset}")), TYPE)


def test_the_largest_number_of_fields_is_read_and_one_more_is_refused():
    assert len(read(b"&".join([b"a=1"] * MOST_FIELDS))) == MOST_FIELDS
    assert len(read(multipart(*[field("a")] * MOST_FIELDS), TYPE)) == MOST_FIELDS
    with pytest.raises(HTTPRequestEntityTooLarge, match="more than 100 fields"):
        read(b"&".join([b"a=1"] * (MOST_FIELDS + 1)))
    with pytest.raises(HTTPRequestEntityTooLarge, match="more than 100 fields"):
        read(multipart(*[field("a")] * (MOST_FIELDS + 1)), TYPE)


def test_the_largest_number_of_characters_is_read_and_one_more_is_refused():
    text = "é" * (MOST_CHARACTERS - 1)
    assert read(f"a={text}".encode()) == [("a", text)]
    assert read(multipart(field("a", text.encode())), TYPE) == [("a", text)]
    for body, content_type in (
        (f"a=x{text}".encode(), URLENCODED),
        (f"ab={text}".encode(), URLENCODED),
        (b"a=" + b"x" * MOST_ENCODED_BYTES, URLENCODED),
        (multipart(field("a", f"x{text}".encode())), TYPE),
        (multipart(field("a", b"x" * 1_000_000)), TYPE),
        (multipart(*[field("a", b"x" * 3_000)] * 90), TYPE),
    ):
        with pytest.raises(HTTPRequestEntityTooLarge, match="200,000 characters"):
            read(body, content_type)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nothing",
        field("a"),
        multipart(field("a"))[:-4],
        multipart(part("Content-Disposition: form-data")),
        multipart(part("Content-Disposition: attachment; name=a")),
        multipart(part("Content-Type: text/plain")),
        multipart(part("nonsense")),
        multipart(field("a", b"\xff")),
        multipart(
            part("Content-Disposition: form-data; name=\xff".encode("latin-1").decode("latin-1"))
        ).replace("\xff".encode(), b"\xff"),
        multipart(field("a", more="\r\n and on")),
        multipart(field("a", more="\r\nContent-Type: multipart/mixed; boundary=inner")),
        multipart(field("a", more="\r\nContent-Transfer-Encoding: base64")),
        multipart(field("a", more="\r\nContent-Length: 100")),
    ],
)
def test_a_broken_form_is_refused(body):
    with pytest.raises(HTTPBadRequest):
        read(body, TYPE)


@pytest.mark.parametrize(
    "boundary", ["", '""', "\xff", "a\tb", "b" * (LONGEST_BOUNDARY + 1), '"' + "\\" * 100 + '"']
)
def test_a_boundary_is_one(boundary):
    with pytest.raises(HTTPBadRequest):
        read(multipart(field("a")), f"{MULTIPART}; boundary={boundary}")


def test_the_longest_boundary_may_be_quoted():
    boundary = "(:" + "b" * (LONGEST_BOUNDARY - 2)
    body = multipart(field("a")).replace(BOUNDARY.encode(), boundary.encode())
    assert read(body, f'{MULTIPART}; boundary="{boundary}"') == [("a", "x")]


@pytest.mark.parametrize("more", ["\r\nX: y" * MOST_PART_HEADERS, "; x=" + "y" * LONGEST_PART_HEADER])
def test_the_head_of_a_part_has_its_limits(more):
    with pytest.raises(HTTPRequestEntityTooLarge):
        read(multipart(field("a", more=more)), TYPE)


@pytest.mark.parametrize(
    "length", [0, 10, FILE_IN_MEMORY_BYTES, FILE_IN_MEMORY_BYTES + 1, 3 * CHUNK_BYTES + 1]
)
def test_a_file_is_read_whole(length):
    content = bytes(range(256)) * (length // 256) + b"\r\n"
    body = multipart(field("a", b"before"), field("f", content, '; filename="é.png"'), field("b"))
    (before, (name, upload), after) = read(body, TYPE)
    assert (before, after) == (("a", "before"), ("b", "x"))
    assert isinstance(upload, Upload)
    with upload.file:
        assert (name, upload.filename, upload.size) == ("f", "é.png", len(content))
        assert upload.content_type == "application/octet-stream"
        assert upload.file.read() == content


def test_a_large_file_is_not_in_memory():
    body = multipart(
        field("f", b"x" * (FILE_IN_MEMORY_BYTES + 1), '; filename="x"\r\nContent-Type: image/png')
    )
    ((_, upload),) = read(body, TYPE)
    assert isinstance(upload, Upload)
    with upload.file as file:
        assert isinstance(file, tempfile.SpooledTemporaryFile)
        assert isinstance(file.fileno(), int)
        assert upload.content_type == "image/png"


@pytest.mark.parametrize("end", [b"", field("b", b"\xff"), field("b") * MOST_FIELDS])
def test_the_files_of_a_broken_form_are_closed(end):
    """An open one would be a ResourceWarning, and those are errors."""
    with pytest.raises((HTTPBadRequest, HTTPRequestEntityTooLarge)):
        read(field("f", b"x" * (FILE_IN_MEMORY_BYTES + 1), '; filename="x"') + end, TYPE)
    gc.collect()


def test_a_field_for_a_file_that_was_left_empty_is_an_empty_text():
    assert read(multipart(field("f", b"", '; filename=""')), TYPE) == [("f", "")]


@pytest.mark.parametrize("surplus", range(8))
def test_where_a_form_is_cut_into_chunks_does_not_matter(surplus):
    """The parser takes the line end after the last boundary for more data when it comes by itself."""
    empty = len(multipart(field("f", b"", '; filename="x"')))
    body = multipart(field("f", b"x" * (3 * CHUNK_BYTES - empty + surplus), '; filename="x"'))
    ((_, upload),) = read(body, TYPE)
    assert isinstance(upload, Upload)
    with upload.file:
        assert upload.size == 3 * CHUNK_BYTES - empty + surplus


@pytest.mark.parametrize("body", [b"%41a", b"%", b"%4", b"+", b"%%41", b"\xc3\xa9", b"%C3%A9"])
def test_no_field_is_expensive(body):
    text = b"a=" + body * (MOST_ENCODED_BYTES // len(body) - 2)

    def try_it():
        with suppress(HTTPBadRequest, HTTPRequestEntityTooLarge):
            read(text)

    assert cost_of(try_it) < MOST_SECONDS
