"""Which parts of a text are addresses of the web (docs/adr/0033-links.md).

Everything here is linear: no pattern gives back what it has matched, and what turned out to be no link is
passed by as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import regex

# Neither endings of files nor words that are written after a full stop, as `md`, `py`, `so`, `info`, `name`
# are.
GENERIC_ENDINGS = frozenset({"com", "edu", "gov", "net", "org"})
# Scripts without spaces between words, and Hangul, whose particles are written onto a word. Han and Kana by
# their extensions (`scx`), for they share `ー` and the marks of voiced sounds; others share accents with
# Latin.
SCRIPTS = [
    *("scx=Hani", "scx=Hira", "scx=Kana", "Bopo", "Hang", "Thai", "Laoo", "Khmr", "Mymr", "Tibt", "Yiii"),
    *("Lana", "Tavt", "Talu", "Tale", "Java", "Bali"),
]
UNSPACED = "".join(rf"\p{{{script}}}" for script in SCRIPTS)
# Of the scripts with spaces: what may not touch an address or a mention, for it would be a part of the word.
WORD = rf"[\p{{L}}\p{{Mn}}\p{{Mc}}\p{{Nd}}_--[{UNSPACED}\p{{DI}}]]"
# Not seen. A zero width space is among them, although Khmer and Thai separate words by it.
INVISIBLE = r"[\p{DI}\p{Bidi_C}\p{Cc}--\s]"
HOST_LETTER = r"[\p{L}\p{Mn}\p{Mc}\p{Nd}_--\p{DI}]"
# Punctuation that other languages write within words, `ジョン・レノン` or `צה״ל` (UAX 31, table 3), and the
# dash of `Michelson–Morley`.
MEDIAL = r"[\u00b7\u0387\u058a\u05f3\u05f4\u0f0b\u2010\u2013\u2027\u30a0\u30fb\uff65]"
# What RFC 3986 allows, and the letters, marks and numbers of all scripts (RFC 3987). No other punctuation, no
# symbol: who puts a quote, a full stop or a picture behind an address does not mean them as a part of it.
PLAIN = (
    r"(?:[A-Za-z0-9\-._~:/?#@$&*+=%]"
    r"|[,;!'](?!https?://)"
    r"|[\p{L}\p{Mn}\p{Mc}\p{N}--[\p{ASCII}\p{DI}]]"
    rf"|(?<=[\p{{L}}\p{{M}}\p{{N}}]){MEDIAL}(?=[\p{{L}}\p{{N}}])(?!https?://))"
)
# Brackets with what is between them. Not longer, or a row of unclosed ones would be read again for each.
FEW = f"{PLAIN}{{0,60}}+"
BRACKETS = rf"(?:\({FEW}\)|\[{FEW}\])"
NESTED = rf"(?:\((?:{PLAIN}|{BRACKETS}){{0,60}}+\)|\[(?:{PLAIN}|{BRACKETS}){{0,60}}+\])"
NAME = r"[A-Za-z0-9][A-Za-z0-9\-]*+(?:\.[A-Za-z0-9\-]++)++"
# A bare name is not a part of a path, of an e-mail address or of `@susan:example.org`.
NOT_BEFORE_A_NAME = rf"[@/.\-\\~%\#$]|[A-Za-z0-9.@/]{INVISIBLE}+|@[A-Za-z0-9_.]{{1,30}}:"
START = regex.compile(
    rf"(?=[A-Za-z0-9])(?<!{WORD}|\+)(?:(?P<scheme>(?i:https?://))|(?<!{NOT_BEFORE_A_NAME})(?P<name>{NAME}))",
    regex.V1,
)
MAY_HOLD_A_LINK = regex.compile(r"://|[A-Za-z0-9]\.[A-Za-z]")
HOST = regex.compile(rf"(?:{HOST_LETTER}|[.\-])++", regex.V1)
LABEL = rf"[\p{{L}}\p{{Nd}}](?:{HOST_LETTER}|-){{0,62}}+"
HOST_NAME = regex.compile(rf"{LABEL}(?:\.{LABEL})*+", regex.V1)
USERINFO = regex.compile(r"[\p{L}\p{M}\p{N}\p{DI}\p{Cf}\-!$%&'()*+,;:=._~\[\]]*+@", regex.V1)
PORT = regex.compile(r":[0-9]{1,5}+(?![0-9])")
PATH = regex.compile(r"(?::[0-9]{1,5}+)?+/")
TAIL = regex.compile(rf"[/?\#](?:{PLAIN}|{NESTED})*+", regex.V1)
REST = regex.compile(rf"(?:{PLAIN}|[()\[\]\\]|{INVISIBLE})*+", regex.V1)
# An address goes on behind what cannot be seen: with any letter, but for the spaces of Khmer and Thai.
GOES_ON = regex.compile(
    rf"(?:\u200b++[A-Za-z0-9/?\#%&=@_~:\-]|\u200b++\.[A-Za-z0-9]"
    rf"|(?!\u200b++(?!{INVISIBLE})){INVISIBLE}++\.?+[\p{{L}}\p{{M}}\p{{N}}/?\#%&=@_~:\-])",
    regex.V1,
)
TOUCHES = regex.compile(WORD, regex.V1)
UNSPACED_LETTER = regex.compile(rf"[{UNSPACED}]", regex.V1)
CLOSING_PUNCTUATION = ".,;:!?'*"
# Of a bare name with a path: any, for new ones are sold every year.
ENDING = regex.compile(r"[a-z]{2,63}|xn--[a-z0-9\-]+")
# Letters of these look alike. A name that mixes them pretends to be another one.
ALPHABETS = [
    regex.compile(rf"\p{{{name}}}") for name in ("Latin", "Greek", "Cyrillic", "Armenian", "Cherokee")
]
LONGEST_HOST = 253  # characters
LONGEST_LINK = 1000  # characters


@dataclass(frozen=True, slots=True)
class Link:
    """The text from `start` to `end` leads to `url`. When that is empty, it is no link and mentions nobody.

    `tail` is where path, query or fragment begin: what may be shown shortened.
    """

    start: int
    tail: int
    end: int
    url: str


def find_links(text: str) -> Iterator[Link]:
    """From the left, none inside another."""
    if not MAY_HOLD_A_LINK.search(text):
        return
    position = 0
    while (match := START.search(text, position)) is not None:
        link = read_full_address(text, match) if match["scheme"] else read_bare_name(text, match)
        if link is None:
            position = match.end()
        else:
            yield link
            position = link.end


def read_full_address(text: str, match: regex.Match[str]) -> Link | None:
    """That begins with `http://` or `https://`."""
    start, begin = match.span()
    if USERINFO.match(text, begin):
        return pass_by(text, start, begin)
    run = HOST.match(text, begin)
    if run is None or GOES_ON.match(text, run.end()):
        return pass_by(text, start, begin)
    host = cut_host(run[0])
    end = tail = begin + len(host)
    if end == run.end():
        tail, end = read_tail(text, end)
    if not is_host(host) or ("." not in host and end == begin + len(host) and host.lower() != "localhost"):
        return pass_by(text, start, begin)
    return make_link(text, start, tail, end, "")


def read_bare_name(text: str, match: regex.Match[str]) -> Link | None:
    """`example.org`, `www.example.de` or `example.de/page`; None for all else with a full stop in it."""
    start, end = match.span()
    name: str = match[0]
    following = text[end : end + 1]
    if following == "@":
        return pass_by(text, start, end)
    if (following and TOUCHES.match(following)) or not is_host(name):
        return None
    labels = name.split(".")
    is_meant = labels[-1] in GENERIC_ENDINGS or (
        ENDING.fullmatch(labels[-1])
        and (PATH.match(text, end) or (labels[0].lower() == "www" and len(labels) > 2))
    )
    return make_link(text, start, *read_tail(text, end), "http://") if is_meant else None


def make_link(text: str, start: int, tail: int, end: int, scheme: str) -> Link:
    """What was read, without what closes the sentence; no link when it goes on with what cannot be seen."""
    if end - start > LONGEST_LINK or GOES_ON.match(text, end):
        return pass_by(text, start, end)
    end = tail + len(text[tail:end].rstrip(CLOSING_PUNCTUATION))
    return Link(start, tail, end, scheme + text[start:end])


def pass_by(text: str, start: int, end: int) -> Link:
    """An address that is not linked, to its very end: no part of it is one by itself."""
    rest = REST.match(text, end)
    return Link(start, start, end if rest is None else rest.end(), "")


def cut_host(run: str) -> str:
    """Up to where a text goes on that has no spaces: no ending has letters of ASCII and of another script."""
    host: str = run.partition("..")[0].rstrip(".-_")
    if host.isascii():
        return host
    ending = host.rpartition(".")[2]
    following = UNSPACED_LETTER.search(ending) if ending[:1].isascii() else None
    return host if following is None else host[: len(host) - len(ending) + following.start()]


def is_host(host: str) -> bool:
    if len(host) > LONGEST_HOST or HOST_NAME.fullmatch(host) is None:
        return False
    return host.isascii() or not any(map(mixes_alphabets, host.split(".")))


def mixes_alphabets(label: str) -> bool:
    return sum(1 for letter in ALPHABETS if letter.search(label)) > 1


def read_tail(text: str, host_end: int) -> tuple[int, int]:
    """Where the tail begins and ends that follows a host; the port is a part of the host."""
    port = PORT.match(text, host_end)
    begin = host_end if port is None else port.end()
    match = TAIL.match(text, begin)
    return begin, begin if match is None else match.end()
