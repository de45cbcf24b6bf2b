"""What a post's text becomes on a page."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup, Tag
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape

from microblog.posts.text import LONGEST_TAIL, REL, Reading, render
from microblog.search.highlighting import Highlighter
from microblog.search.language import parse
from tests.cost import MOST_SECONDS, cost_of

READING = Reading("/")


def parsed(text: str) -> BeautifulSoup:
    """The text as a browser reads it, in a box of its own."""
    return BeautifulSoup(f"<pre>{render(text, escape, READING)}</pre>", "html.parser")


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
        ("@aliceさん", "/users/alice", "@alice"),
        ("@alice님이", "/users/alice", "@alice"),
        ("คุณ@aliceครับ", "/users/alice", "@alice"),
        ("见@susan", "/users/susan", "@susan"),
        ("@susan’s", "/users/susan", "@susan"),
        ("@susan's", "/users/susan", "@susan"),
        ("@susan。次", "/users/susan", "@susan"),
        ("（@susan）", "/users/susan", "@susan"),
        ("“@susan”", "/users/susan", "@susan"),
        ("@susan؟", "/users/susan", "@susan"),
        ("@susan👋🏽", "/users/susan", "@susan"),
        ("❤️@susan", "/users/susan", "@susan"),
        ("@susan: hello", "/users/susan", "@susan"),
        ("@susan:hello", "/users/susan", "@susan"),
        ("\u200f@susan\u200f", "/users/susan", "@susan"),
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
        "@susan@example.org",
        "@susan@",
        "@susan:example.org",
        "susan@example.org",
        "susan.k@example.org",
        "@susané",
        "@susane\u0301",
        "@susаn",
        "@sus\u00adan",
        "@sus\u200ban",
        "@\u202esusan",
        "é@susan",
        "https://bank.example@evil.example/",
        "https://user:pass!@susan/",
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
        assert set(a.attrs) == {"href", "rel", "dir"}


def test_a_link_gives_away_neither_rank_nor_window():
    a = parsed("https://example.org").a
    assert isinstance(a, Tag)
    assert a["rel"] == REL.split() == ["nofollow", "ugc", "noopener"]


def test_a_mention_is_a_link_of_ours_and_needs_no_rel():
    a = parsed("@susan").a
    assert isinstance(a, Tag)
    assert a.attrs == {"href": "/users/susan", "class": ["mention"], "dir": "ltr"}


def test_a_mention_leads_to_where_the_profiles_are():
    assert 'href="/blog/users/susan"' in render("@susan", escape, Reading("/blog/"))


@pytest.mark.parametrize("text", ["@susan", "https://example.org", f"https://example.org/{'a' * 100}"])
def test_links_and_mentions_are_isolated_from_the_direction_of_the_text_around_them(text):
    a = parsed(f"مرحبا {text} مرحبا").a
    assert isinstance(a, Tag)
    assert a["dir"] == "ltr"


def test_the_path_of_a_long_address_is_shortened_and_its_host_is_not():
    host = f"https://{'long.' * 10}example.org"
    a = parsed(f"see {host}/{'a' * LONGEST_TAIL}.").a
    assert isinstance(a, Tag)
    assert a["title"] == a["href"] == a.get_text() == f"{host}/{'a' * LONGEST_TAIL}"
    assert [span.get_text() for span in a.select(".address-tail")] == [f"/{'a' * LONGEST_TAIL}"]
    shorter = parsed(f"{host}/{'a' * (LONGEST_TAIL - 1)}").a
    assert isinstance(shorter, Tag)
    assert not shorter.select(".address-tail")
    assert "title" not in shorter.attrs


def test_words_of_a_search_are_highlighted_in_a_shortened_address_too():
    html = render(f"https://example.org/{'a' * 30}/tea", Highlighter(parse("tea example")), READING)
    marked = [each.get_text() for each in BeautifulSoup(html, "html.parser").select("a mark")]
    assert marked == ["example", "tea"]


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
WORDS = [
    "https://",
    "http://",
    "example.org",
    "//",
    "@susan",
    "#tag",
    "javascript:",
    "amp;",
    "a" * 30,
    "見",
    "\u200b",
]
PIECES = st.sampled_from([*WORDS, *SIGNS])
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=20).map("".join))


@given(TEXTS)
def test_a_text_is_kept_to_the_letter_and_never_makes_another_tag(text):
    soup = parsed(text)
    assert {tag.name for tag in soup.find_all(True)} <= {"pre", "a", "span", "br"}
    assert len(soup.find_all("br")) == text.count("\n")
    assert all(
        str(a["href"]).startswith(("http://", "https://", "/users/", "/tags/")) for a in soup.find_all("a")
    )
    assert soup.get_text() == text


# Each of these once kept the process busy for seconds, or for ever.
UNITS = [
    "xn--a.",
    "http://xn--a.",
    "a.com/(",
    "@a",
    "@aa@",
    "@a:a.",
    "@a\u200b",
    "見@a",
    "@",
    "https://a.com/@a ",
    "\u0301",
    "#",
    "#@",
    "#a\u200c",
    "#" + "a" * 101 + " ",
]


@pytest.mark.slow
@pytest.mark.parametrize("unit", UNITS)
def test_every_text_of_100_kilobytes_is_cheap_to_render(unit):
    text = (unit * 100_000)[:100_000]
    assert cost_of(lambda: render(text, escape, READING)) < MOST_SECONDS


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("first\nexample.org/a\u3000second", "example.org/a"),
        ("https://example.org/" + "a" * 900, "https://example.org/" + "a" * 900),
    ],
)
def test_links_are_found_between_spaces_of_every_kind(text, words):
    assert [found for _, found in anchors(text)] == [words]
