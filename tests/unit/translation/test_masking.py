"""What a translator must not touch: it goes out marked, and comes back whatever became of the marks."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microblog.translation.interfaces import BrokenAnswer
from microblog.translation.masking import HTML, UNESCAPED_HTML, XML, MaskedText, find_kept, split_batches
from tests.cost import MOST_SECONDS, cost_of

KEPT = "@susan"
TEXTS = st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from(list("<>&;#@:/.\n \"'kn0x"))))


def kept(line):
    return [line[part.start : part.end] for part in find_kept(line)]


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("hola", []),
        ("hola @susan, @john: si", ["@susan", "@john"]),
        ("#uno y #dos_3 (#четыре)", ["#uno", "#dos_3", "#четыре"]),
        ("https://example.org/a#b?c=@d, si", ["https://example.org/a#b?c=@d"]),
        (
            "si (example.org) y @susan en http://example.com/",
            ["example.org", "@susan", "http://example.com/"],
        ),
        ("a#b &#38; ##c susan@example.org", []),
    ],
)
def test_links_mentions_and_tags_stay_as_they_are(line, parts):
    assert kept(line) == parts


def test_what_stays_is_sent_between_tags_and_all_else_is_escaped():
    masked = MaskedText('<b> & "si" @susan', XML)
    assert masked.texts == ['&lt;b&gt; &amp; "si" <x id="k0n0">@susan</x>']
    masked = MaskedText("k0n #uno si", HTML)
    assert masked.texts == ['k0n <span translate="no" id="k1n0">#uno</span> si']


@pytest.mark.parametrize("style", [XML, HTML])
@settings(deadline=None)
@given(text=TEXTS)
def test_what_comes_back_unchanged_is_the_text(style, text):
    masked = MaskedText(text, style)
    expected = "\n".join(line.rstrip() for line in text.split("\n"))
    restored = "\n".join(line.rstrip() for line in masked.restore(masked.texts).split("\n"))
    assert restored.replace(" ", "") == expected.replace(" ", "")


@settings(deadline=None)
@given(text=TEXTS, answers=st.lists(TEXTS, max_size=3))
def test_whatever_comes_back_what_stays_is_in_it(text, answers):
    for style in (XML, HTML, UNESCAPED_HTML):
        masked = MaskedText(text, style)
        if len(answers) != len(masked.texts):
            with pytest.raises(BrokenAnswer):
                masked.restore(answers)
            continue
        lines = masked.restore(answers).split("\n")
        for line, restored in zip(text.split("\n"), lines, strict=True):
            assert all(part in restored for part in kept(line))


@pytest.mark.parametrize(
    ("answer", "restored"),
    [
        ('yes <x id="k0n0">@SUSANA</x>!', "yes @susan!"),
        ("yes <x id='k0n0'/>!", "yes @susan!"),
        ("yes <x id=k0n0 >changed</x >!", "yes @susan!"),
        ('<x lang="en" id="k0n0"></x>yes', "@susan yes"),
        ('yes<x id="k0n0">@susan</x>yes', "yes @susan yes"),
        ("yes", "yes @susan"),
        ('<x id="k0n0">@susan</x> and <x id="k0n0">@susan</x>', "@susan and @susan"),
        ('yes <x id="k0n1">@root</x>', 'yes <x id="k0n1">@root</x> @susan'),
        ('yes <x id="k9n0">@root</x>', 'yes <x id="k9n0">@root</x> @susan'),
        ('yes <x id="k0n0">', "yes @susan"),
        ("</x> yes <x> <y>", "</x> yes <x> <y> @susan"),
        ('a\nb <x id="k0n0">@susan</x>', "a b @susan"),
        ('&lt;i&gt; &amp;amp; <x id="k0n0">@susan</x>', "<i> &amp; @susan"),
    ],
)
def test_of_the_tags_in_an_answer_only_ours_are_believed(answer, restored):
    assert MaskedText("si @susan", XML).restore([answer]) == restored


def test_a_service_that_unescapes_is_not_unescaped_again():
    assert MaskedText("si", UNESCAPED_HTML).restore(["&lt; <"]) == "&lt; <"


def test_lines_and_what_is_before_them_are_kept():
    masked = MaskedText("uno  \n\n  dos\n@susan\n\ttres", HTML)
    assert masked.texts == ["uno", "dos", "tres"]
    assert masked.restore(["one", "two", " three "]) == "one\n\n  two\n@susan\n\tthree"


@pytest.mark.parametrize(
    "answer", ['<x id="k0n0">' * 50_000, "<x " * 50_000, "<x" + " id=" * 50_000 + ">", "<" * 200_000]
)
def test_a_long_answer_is_read_in_little_time(answer):
    masked = MaskedText("si @susan", XML)
    assert cost_of(lambda: masked.restore([answer])) < MOST_SECONDS


def test_batches_are_as_large_as_they_may_be():
    assert list(split_batches(["aa", "b", "cccc", "d", "e", "f"], 3, 4)) == [
        ["aa", "b"],
        ["cccc"],
        ["d", "e", "f"],
    ]
    assert list(split_batches([], 3, 4)) == []
