"""What a post's text becomes on a page."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup, Tag
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import escape

from microblog.posts.text import REL, is_blank, is_web_address, post_text, render
from tests.cost import MOST_SECONDS, cost_of


def parsed(text: str) -> BeautifulSoup:
    """The text as a browser reads it, in a box of its own."""
    return BeautifulSoup(f"<pre>{post_text(text)}</pre>", "html.parser")


def anchors(text: str) -> list[tuple[str, str]]:
    """(address, words) of every link that a text becomes."""
    soup = parsed(text)
    return [(str(a["href"]), a.get_text()) for a in soup.find_all("a")]


@pytest.mark.parametrize(
    ("text", "address", "words"),
    [
        ("see https://example.org/a", "https://example.org/a", "https://example.org/a"),
        ("see http://example.org.", "http://example.org", "http://example.org"),
        ("(https://example.org/a_(b))", "https://example.org/a_(b)", "https://example.org/a_(b)"),
        ("example.org is here", "http://example.org", "example.org"),
        ("HTTPS://EXAMPLE.ORG", "HTTPS://EXAMPLE.ORG", "HTTPS://EXAMPLE.ORG"),
        ("http://localhost:6543/x", "http://localhost:6543/x", "http://localhost:6543/x"),
        ("https://example.org/?a=1&b=2", "https://example.org/?a=1&b=2", "https://example.org/?a=1&b=2"),
        ("@susan", "/users/susan", "@susan"),
        ("hello @susan, and you", "/users/susan", "@susan"),
        ("(@susan.k)", "/users/susan.k", "@susan.k"),
        ("thanks @susan.", "/users/susan", "@susan"),
        ("@a_", "/users/a_", "@a_"),
    ],
)
def test_web_addresses_become_links(text, address, words):
    assert anchors(text) == [(address, words)]


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\tscript:alert(1)",
        "javascript://example/%0aalert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:msgbox(1)",
        "&#106;avascript:alert(1)",
        "file:///etc/passwd",
        "ftp://example/file",
        "mailto:susan",
        "//evil",
        "[a](//evil)",
        "https://",
        "http://[",
        "a.b",
        "@",
        "@a",
        "susan@home",
        "@@susan",
        "/@susan",
        "@" + "x" * 31,
        "",
    ],
)
def test_other_texts_become_no_links(text):
    assert anchors(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "susan@example.org",
        "[a](//evil.org)",
        "//evil.org/x",
        "javascript://evil.org/%0aalert(1)",
        "ftp://example.org/file",
        "mailto:susan@example.org",
        "javascript:alert('http://example.org')",
        "data:text/html;http://example.org",
        'https://example.org/" onmouseover="alert(1)',
        "https://example.org/' onmouseover='alert(1)",
        "https://user:password@example.org/",
        "https://example.org/<script>",
        "http://example.org\x00/",
        "https://еxample.org/",
        "https://example.org/%zz",
    ],
)
def test_every_link_leads_to_the_web(text):
    soup = parsed(text)
    assert soup.get_text() == text
    for a in soup.find_all("a"):
        assert str(a["href"]).startswith(("http://", "https://"))
        assert set(a.attrs) == {"href", "rel"}


def test_a_link_gives_away_neither_rank_nor_window():
    a = parsed("https://example.org").a
    assert isinstance(a, Tag)
    assert a["rel"] == REL.split() == ["nofollow", "ugc", "noopener"]


def test_a_mention_is_a_link_of_ours_and_needs_no_rel():
    a = parsed("@susan").a
    assert isinstance(a, Tag)
    assert a.attrs == {"href": "/users/susan", "class": ["mention"]}


def test_an_at_sign_within_a_link_mentions_nobody():
    assert anchors("https://example.org/@susan") == [
        ("https://example.org/@susan", "https://example.org/@susan")
    ]


def test_links_and_mentions_stand_side_by_side():
    assert anchors("@a1 https://example.org @b2") == [
        ("/users/a1", "@a1"),
        ("https://example.org", "https://example.org"),
        ("/users/b2", "@b2"),
    ]


SIGNS = [*"@./<>&[]()?#:%-*\"' \n\x00\u202eé🙂"]
PIECES = st.sampled_from(["https://", "http://", "example.org", "//", "susan", "javascript:", "amp;", *SIGNS])
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=20).map("".join))


@given(TEXTS)
def test_a_text_is_kept_to_the_letter_and_never_makes_another_tag(text):
    soup = parsed(text)
    assert {tag.name for tag in soup.find_all(True)} <= {"pre", "a"}
    assert all(str(a["href"]).startswith(("http://", "https://", "/users/")) for a in soup.find_all("a"))
    assert soup.get_text() == text


@given(st.text())
def test_every_text_is_a_web_address_or_is_not(text):
    assert is_web_address(f"javascript:{text}") is False
    assert is_web_address(text) in (True, False)


@pytest.mark.parametrize("url", ["http://[", "http://[x]/", "http://", "https:example.org", "http:///x"])
def test_an_address_without_a_host_is_none(url):
    assert not is_web_address(url)


@pytest.mark.parametrize(
    "text", ["", " ", "\n\t\r", "\u200b\u200d", "\u3164", "\u2800", "\u00ad", "\u2028", "\ufeff"]
)
def test_texts_without_a_visible_character_are_blank(text):
    assert is_blank(text)


@pytest.mark.parametrize("text", ["a", " . ", "🙂", "日", "\u200bx"])
def test_texts_with_a_visible_character_are_not_blank(text):
    assert not is_blank(text)


# Of each of these, more than one made linkify-it busy for seconds or for ever.
UNITS = [
    "xn--a.",
    "xn--",
    "http://xn--a.",
    "a.com/(",
    "a.com/([{",
    "www.",
    "a-",
    "@",
    ".",
    "//",
    "'",
    '"',
    ";",
    "!",
    "?",
]


@pytest.mark.parametrize("length", [280, 2800, 28_000])
@pytest.mark.parametrize("blank", ["", " "])
@pytest.mark.parametrize(
    "unit", ["xn--a.", "http://xn--a.", "xn--a.xn--b.xn--c.xn--d.xn--e.xn--", "a.com/(", "a.com/([{"]
)
def test_links_in_any_text_are_cheap_to_find(unit, blank, length):
    text = ((unit + blank) * length)[: length - 4] + "xn--"
    assert cost_of(lambda: render(text, escape)) < MOST_SECONDS


@settings(derandomize=True, max_examples=200)
@given(st.lists(st.sampled_from(UNITS), min_size=1, max_size=6).map("".join), st.sampled_from(UNITS))
def test_links_in_a_repeated_text_are_cheap_to_find(unit, end):
    text = (unit * 280)[:280] + end
    assert cost_of(lambda: render(text, escape), MOST_SECONDS / 10) < MOST_SECONDS / 10


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("http://xn--mnchen-3ya.de", "http://xn--mnchen-3ya.de"),
        ("first\nexample.org/a\u3000second", "example.org/a"),
        ("https://example.org/" + "a" * 900, "https://example.org/" + "a" * 900),
    ],
)
def test_links_are_found_between_blanks_of_every_kind(text, words):
    assert [found for _, found in anchors(text)] == [words]


def test_a_text_longer_than_any_address_is_no_link():
    assert anchors("https://example.org/" + "a" * 1000) == []
