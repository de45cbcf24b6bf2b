"""Which parts of a text are mentions and tags, and what is the same tag."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markupsafe import escape

from microblog.posts.mentions import MOST_FOUND, find_mentions
from microblog.posts.tags import LONGEST_TAG, find_tags, make_tag_key, parse_tag
from microblog.posts.text import Reading, render
from tests.cost import MOST_SECONDS, cost_of


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@Susan and @susan, @john.", ("susan", "john")),
        ("見@susan。@aliceさん", ("susan", "alice")),
        ("susan@example.org @susan@example.org https://example.org/@susan", ()),
        ("@a @. email@", ()),
        ("#tag@susan", ()),
        ("no one", ()),
    ],
)
def test_mentions_are_found_once_each(text, names):
    assert find_mentions(text) == names


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("#Café, #cafe and #CAFE", ("cafe",)),
        ("(#uno) #dos_3 #четыре", ("uno", "dos_3", "четыре")),
        ("日本語#タグ です ＃全角", ("タク\u3099".replace("ク\u3099", "グ"), "全角")),
        ("#می\u200cشود خوب", ("ميشود",)),
        ("#हिन्दी #عربي", ("हिन्दी", "عربي")),
        ("#Straße #STRASSE", ("strasse",)),
        ("#2024 #1 #_ #½ # ## #️⃣ #1️⃣", ()),
        ("#5k #a1 #_x", ("5k", "a1", "_x")),
        ("a#b a_#b &#38; &#x26; ##c /#d .#e @#f https://example.org/#g example.org#h", ()),
        ("#susan@example.org", ()),
        ("#hawaiʻi #l’été", ("hawaii", "l")),
        ("#one#two", ("one",)),
        ("#a-b #c.d #e\u200bf", ("a", "c", "e")),
        ("#" + "a" * LONGEST_TAG, ("a" * LONGEST_TAG,)),
        ("#" + "a" * (LONGEST_TAG + 1), ()),
        ("#" + "ﷺ" * 50, ()),
    ],
)
def test_tags_are_found_in_any_script_in_their_normal_form(text, tags):
    assert find_tags(text) == tags


@given(st.one_of(st.text(), st.from_regex(r"#\w+")))
@example("a'\u0301")
@example("ﷺ")
def test_the_normal_form_of_a_tag_is_its_own_and_is_found_again(text):
    key = make_tag_key(text)
    if parse_tag(text) is not None:
        assert parse_tag(text) == make_tag_key(text.lstrip("#＃"))
    if key is not None:
        assert make_tag_key(key) == key
        assert find_tags(f"see #{key}, and") == (parse_tag(key),) == (key,)


def test_what_is_too_long_is_no_tag():
    assert make_tag_key("a" * LONGEST_TAG) == parse_tag("a" * LONGEST_TAG) is not None
    assert make_tag_key("a" * (LONGEST_TAG + 1)) is parse_tag("a" * (LONGEST_TAG + 1)) is None


PIECES = st.sampled_from(["@susan", "#tag", "@", "#", "a", " ", "é", "見", "\u200c", "https://a.org/", "."])


@given(st.one_of(st.text(), st.lists(PIECES, max_size=20).map("".join)))
def test_what_is_found_is_what_becomes_a_link(text):
    page = render(text, escape, Reading("/", tuple((name, name) for name in find_mentions(text))))
    assert (page.count('class="mention"') > 0) == bool(find_mentions(text))
    assert (page.count('class="tag"') > 0) == bool(find_tags(text))


def test_of_very_many_names_one_more_than_enough_is_found():
    mentions = " ".join(f"@n{number}" for number in range(2 * MOST_FOUND))
    assert len(find_mentions(mentions)) == MOST_FOUND + 1
    assert len(find_tags(mentions.replace("@", "#"))) == MOST_FOUND + 1


@pytest.mark.parametrize(
    "unit", ["#@", "#a@", "@a#", "#", "@", "#a", "#" + "a" * 101, "#a\u200c", "#" + "\u0301", "#１", "@aa:a."]
)
def test_a_text_of_100_000_characters_is_read_quickly(unit):
    text = (unit * 100_000)[:100_000]
    assert cost_of(lambda: (find_mentions.__wrapped__(text), find_tags.__wrapped__(text))) < MOST_SECONDS
