"""Which parts of a text are addresses of the web (docs/adr/0033-links.md)."""

from __future__ import annotations

import sys
import unicodedata

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from microblog.posts.links import find_links
from tests.cost import MOST_SECONDS, cost_of

DEFAULT_IGNORABLE = regex.compile(r"\p{Default_Ignorable_Code_Point}")


def links(text: str) -> list[str]:
    """The words of every link."""
    return [text[link.start : link.end] for link in find_links(text) if link.url]


def addresses(text: str) -> list[str]:
    return [link.url for link in find_links(text) if link.url]


CLOSING = [
    chr(point)
    for point in range(128, sys.maxunicode + 1)
    if unicodedata.category(chr(point)) in ("Pe", "Pf", "Po", "Pi", "Ps")
]


@pytest.mark.parametrize("following", ["", " ", "次", "a"])
def test_a_link_ends_before_punctuation_brackets_and_quotes_of_every_script(following):
    inside_words = set("\u00b7\u0387\u05f3\u05f4\u0f0b\u2027\u30fb\uff65")  # as in ジョン・レノン
    for sign in CLOSING:
        if not (sign in inside_words and following in ("次", "a")):
            text = f"https://example.com/page{sign}{following}"
            assert links(text) == ["https://example.com/page"], f"{ord(sign):04X}"


@pytest.mark.parametrize(
    "sign", [*".,;:!?'*", ")", "]", '"', "<", ">", "'.", ").", "!?", "...", "`", "}", "|"]
)
def test_a_link_ends_before_closing_punctuation_of_latin(sign):
    assert links(f"https://example.com/page{sign}") == ["https://example.com/page"]
    assert links(f"https://example.com/page{sign} more") == ["https://example.com/page"]
    assert links(f"https://example.com{sign}") == ["https://example.com"]


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("https://example.com/page。次", "https://example.com/page"),
        ("https://example.com。次", "https://example.com"),
        ("（https://example.com/a）", "https://example.com/a"),
        ("“https://example.com/a”", "https://example.com/a"),
        ("«https://example.com/a»", "https://example.com/a"),
        ("„https://example.com/a“", "https://example.com/a"),
        ("「https://example.com/a」を", "https://example.com/a"),
        ("‹https://example.com/a›", "https://example.com/a"),
        ("هل رأيت https://example.com/a؟", "https://example.com/a"),
        ("https://example.com/a، ثم", "https://example.com/a"),
        ("देखो https://example.com/a।", "https://example.com/a"),
        ("https://example.com/a։", "https://example.com/a"),
        ("https://example.com/a…", "https://example.com/a"),
        ("https://example.com/a——这是", "https://example.com/a"),
        ("https://example.com/a❤️", "https://example.com/a"),
        ("https://example.com👍🏽", "https://example.com"),
        ("https://example.com/a👩‍👩‍👧 x", "https://example.com/a"),
        ("https://example.com/a™", "https://example.com/a"),
        ("'https://example.com/a'", "https://example.com/a"),
        ("*https://example.com/a*", "https://example.com/a"),
        ("<https://example.com/a>", "https://example.com/a"),
        ("[this](https://example.com/a)", "https://example.com/a"),
    ],
)
def test_what_closes_a_sentence_is_no_part_of_its_link(text, link):
    assert links(text) == [link]


@pytest.mark.parametrize(
    "link",
    [
        "https://en.wikipedia.org/wiki/A_(b)",
        "https://example.com/a(b)c[d]",
        "https://example.com/?a[]=1&b[c(d)]=2",
        "https://example.com/f()",
        "https://example.com/a,b;c:d!e'f*g~h+i=j@k$l&m%20n?o#p",
        "https://example.com/a-",
        "https://example.com/_",
        "https://example.com/#",
        "https://ja.wikipedia.org/wiki/日本",
        "https://ja.wikipedia.org/wiki/ジョン・レノン",
        "https://he.wikipedia.org/wiki/צה״ל",
        "https://en.wikipedia.org/wiki/Michelson–Morley_experiment",
        "https://ca.wikipedia.org/wiki/Col·lecció",
        "https://hi.wikipedia.org/wiki/हिन्दी",
        "https://fa.wikipedia.org/wiki/ایران",
        "https://th.wikipedia.org/wiki/ภาษาไทย",
        "https://en.wikipedia.org/wiki/E=mc²",
        "https://münchen.example/straße",
        "https://例子.测试/页",
        "https://مثال.إختبار/صفحة",
        "http://xn--mnchen-3ya.de",
        "http://localhost",
        "http://localhost:6543/x",
        "http://wiki/Page",
        "http://192.168.0.1:8080/a",
        "https://web.archive.org/web/2020/https://example.com/a",
        "https://example.com/?to=https://example.org",
        "HTTPS://EXAMPLE.ORG/A",
    ],
)
def test_an_address_is_linked_as_a_whole(link):
    for text in (link, f"see {link} there", f"({link})", f"{link}.", f"「{link}」"):
        assert links(text) == [link]
        assert addresses(text) == [link]


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("(see https://example.com/a)and", "https://example.com/a"),
        ("https://example.com/a(b", "https://example.com/a"),
        ("https://example.com/a(b]c)", "https://example.com/a"),
        ("https://example.com/a_(b))", "https://example.com/a_(b)"),
        ("https://example.com/a_(b_[c])]", "https://example.com/a_(b_[c])"),
        ("https://example.com/a（注）", "https://example.com/a"),
    ],
)
def test_a_bracket_without_its_other_one_ends_a_link(text, link):
    assert links(text) == [link]


@pytest.mark.parametrize(
    "before",
    [
        "见",
        "ดูที่",
        "これ",
        "カナ",
        "មើល",
        "ကြည့်",
        "링크",
        "ดู",
        "བོད",
        "①",
        "1️⃣",
        "。",
        "🙂",
        "👍🏽",
        "❤️",
        "—",
        "(",
    ],
)
def test_a_link_may_begin_behind_a_letter_of_a_script_without_spaces(before):
    assert links(f"{before}https://example.com/a") == ["https://example.com/a"]
    assert links(f"{before}example.com/a") == ["example.com/a"]


@pytest.mark.parametrize(
    "before", ["x", "é", "e\u0301", "9", "_", "git+", "вот", "δες", "انظر", "ראה", "देखो"]
)
def test_a_link_does_not_begin_in_the_middle_of_a_word(before):
    assert links(f"{before}https://example.com/a") == []
    if before not in ("x", "9"):
        assert links(f"{before}example.com/a") == []


def test_a_host_ends_where_a_text_without_spaces_goes_on_and_a_path_does_not():
    assert links("https://example.com見てね") == ["https://example.com"]
    assert links("https://example.comดูสิ") == ["https://example.com"]
    # Nobody can tell these apart, so letters belong to the path.
    assert links("https://example.com/a見") == ["https://example.com/a見"]
    assert links("https://ja.wikipedia.org/wiki/JR東日本") == ["https://ja.wikipedia.org/wiki/JR東日本"]


@pytest.mark.parametrize("between", [",", ";", "),", "、", "→", "|", "・", " "])
def test_two_addresses_are_two_links(between):
    text = f"https://example.com/a{between}https://example.org/b"
    assert links(text) == ["https://example.com/a", "https://example.org/b"]


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "bar.py",
        "Ende.So",
        "e.g",
        "e.g.",
        "i.e./e.g.",
        "ASP.NET",
        "VB.Net",
        "user.name",
        "log.info",
        "a.b",
        "heise.de",
        "u.s./u.k.",
        "1.5/2.5",
        "3.14",
        "v1.2.3",
        "example.рф.com",
        ".com",
        "www.de",
        "a..com",
        "-a.com",
        "a-.-b.com",
        "docs/README.md/",
        "C:\\example.com",
        "~/example.com",
        "x@y.com",
        "#example.com",
    ],
)
def test_a_name_with_a_full_stop_is_no_link_unless_it_is_meant_as_one(name):
    assert links(f"see {name} there") == []


@pytest.mark.parametrize(
    "name",
    [
        "example.com",
        "example.org",
        "example.net",
        "Example.com",
        "sub.example.edu",
        "3.com",
        "3.com/",
        "heise.de/",
        "heise.de/page",
        "mastodon.example/@susan",
        "xn--a.xn--p1ai/b",
        "www.example.de",
        "www.example.de/page",
        "example.com?a=b",
        "example.com#c",
        "example.com:8080/d",
        "a.de:80/",
    ],
)
def test_a_name_with_a_generic_ending_or_www_or_a_path_is_a_link(name):
    assert links(f"see {name}, please") == [name]
    assert addresses(f"see {name}, please") == [f"http://{name}"]


@pytest.mark.parametrize(
    "text",
    [
        "https://bank.example@evil.example/",
        "https://user:password@example.org/a",
        "https://bank.example:443@evil.example/",
        "https://bank.example,@evil.example/",
        "https://user:pass!@evil.com/",
        "https://bank.exam\u200bple@evil.com",
        "https://@evil.com",
        "https://susan@example.com見https",
        "https://a@b.com/c.com/d,e.org",
    ],
)
def test_nothing_of_an_address_with_userinfo_is_a_link(text):
    assert links(text) == []


@pytest.mark.parametrize(
    "text", ["susan@example.org", "susan.k@example.org", "a.b+c.com@example.org", "见@example.org"]
)
def test_no_part_of_an_e_mail_address_is_a_link(text):
    assert links(text) == []


def test_an_at_sign_behind_the_host_is_a_part_of_the_link():
    for link in ("https://example.org/@susan", "https://example.org?a@b", "https://example.org/#@susan"):
        assert links(link) == [link]


INVISIBLE = [
    "\u00ad",
    "\u034f",
    "\u115f",
    "\u200b",
    "\u200c",
    "\u200d",
    "\u2060",
    "\u3164",
    "\ufe0f",
    "\ufeff",
]
BIDI = ["\u061c", "\u200e", "\u200f", *map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))]


@pytest.mark.parametrize("sign", [*INVISIBLE, *BIDI, "\x00", "\x7f", "\x9f", "\U000e0041", "\U000e0100"])
@pytest.mark.parametrize(
    "text",
    [
        "https://exa{}mple.com/a",
        "https://example.com{}.evil.example/a",
        "https://example.com.{}evil.example/a",
        "https://example.com/{}a",
        "https://example.com/a{}b",
        "https://example.com/a?{}b",
        "https://{}example.com/a",
        "exa{}mple.com/a",
        "example.com{}/a",
        "example{}.com",
    ],
)
def test_an_address_that_holds_what_cannot_be_seen_is_no_link(text, sign):
    assert links(text.format(sign)) == []


@pytest.mark.parametrize("sign", [*INVISIBLE[3:], *BIDI])
def test_what_cannot_be_seen_around_an_address_does_not_hinder_it_and_is_no_part_of_it(sign):
    assert links(f"{sign}https://example.com/a{sign} b") == ["https://example.com/a"]
    assert links(f"{sign}https://example.com/a{sign}.") == ["https://example.com/a"]
    assert links(f"({sign}example.com/a{sign})") == ["example.com/a"]


def test_khmer_and_thai_words_are_separated_by_what_cannot_be_seen():
    assert links("មើល\u200bhttps://example.com/a\u200bនៅ") == ["https://example.com/a"]


def test_a_name_that_mixes_alphabets_that_look_alike_is_no_link():
    assert links("https://еxample.org/") == []  # a Cyrillic e
    assert links("https://www.gοοgle.com/") == []  # a Greek o
    assert links("https://пример.com/ https://παράδειγμα.gr/") == [
        "https://пример.com/",
        "https://παράδειγμα.gr/",
    ]
    assert links("https://日本abc.jp/") == ["https://日本abc.jp/"]


@pytest.mark.parametrize(
    "text",
    [
        "https://",
        "https:///a",
        "http://[",
        "http://[x]/",
        "http://.a.com/",
        "http://-a.com/",
        "https://" + "a" * 64 + ".com/",
        "https://" + "a." * 130 + "com/",
        "http://example",
        "http://i❤.ws/",
        "https://example.org/" + "a" * 1000,
        "javascript://example.org/",
        "//example.org/x",
        "ftp://example.org/x",
    ],
)
def test_an_address_without_a_host_or_too_long_for_one_is_no_link(text):
    assert links(text) == []


def test_the_longest_address_is_a_link():
    address = "https://example.org/" + "a" * 980
    assert links(address) == [address]


WORDS = [
    "https://",
    "http://",
    "example.org",
    "a.de",
    "/",
    "(",
    ")",
    "[",
    "]",
    "@",
    ".",
    ",",
    "。",
    "見",
    "・",
    "–",
]
WORDS += [
    "\u200b",
    "\u202e",
    "\u00ad",
    "❤️",
    " ",
    "\n",
    "?",
    "#",
    ":80",
    "www.",
    "xn--",
    "-",
    "_",
    "é",
    "\u0301",
    "'",
    "\\",
]
TEXTS = st.one_of(st.text(), st.lists(st.sampled_from(WORDS), max_size=20).map("".join))


@settings(max_examples=500)
@given(TEXTS)
def test_links_stand_in_order_and_hold_neither_spaces_nor_what_cannot_be_seen(text):
    end = 0
    for link in find_links(text):
        assert end <= link.start <= link.tail <= link.end
        end = link.end
        if link.url:
            words = text[link.start : link.end]
            assert link.url in (words, f"http://{words}")
            assert not regex.search(r"[\s\p{Cc}\p{Bidi_C}]", words)
            assert not DEFAULT_IGNORABLE.search(words)
            assert "@" not in text[link.start : link.tail]
            assert unicodedata.category(words[-1]) not in ("Pf", "Pi", "Ps")


# Of each of these, more than one made the library that we had busy for seconds, or for ever.
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
]
UNITS += [
    "https://",
    "https://a.com/",
    "x.com/(((",
    "a.b?",
    "https://a@",
    "@a",
    "@a:b",
    "\u200b",
    "a\u200b",
    "・",
]
UNITS += [
    "https://a\u200b",
    "見https://",
    "https://a.com/!!",
    "(",
    "([",
    "\u0301",
    "https://a.com/(a(",
    "a.de:9",
    "_",
]
UNITS += ["https://a.com/x,https://", "https://a\\", "https://a.com/\u200e", "🙂", "9", " ", "\n"]
LENGTH = 100_000


@pytest.mark.slow
@pytest.mark.parametrize("unit", [unit + between for unit in UNITS for between in ("", " ", "(")])
def test_links_in_100_kilobytes_of_any_text_are_cheap_to_find(unit):
    text = (unit * LENGTH)[:LENGTH]
    assert cost_of(lambda: list(find_links(text))) < MOST_SECONDS


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(UNITS), min_size=1, max_size=6).map("".join), st.sampled_from(UNITS))
def test_links_in_a_repeated_text_are_cheap_to_find(unit, end):
    text = (unit * 2800)[:2800] + end
    assert cost_of(lambda: list(find_links(text)), MOST_SECONDS / 10) < MOST_SECONDS / 10
