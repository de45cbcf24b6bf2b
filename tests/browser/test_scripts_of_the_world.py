"""What people type is shown as they typed it: in every script, and when it looks like a program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from microblog.accounts.queries import add_user
from tests.browser.conftest import Site

pytestmark = pytest.mark.browser

# (text, a word of it to search, the direction it is read in)
WRITINGS = {
    "Arabic": ("صباح الخير يا عالم، هل نمتم جيداً؟", "عالم", "rtl"),
    "Hebrew": ("שלום לכולם, מה שלומכם היום?", "שלומכם", "rtl"),
    "Hindi": ("नमस्ते दुनिया, आज मौसम अच्छा है।", "मौसम", "ltr"),
    "Thai": ("สวัสดีชาวโลก วันนี้อากาศดี", "สวัสดีชาวโลก", "ltr"),
    "Chinese": ("你好 世界 今天天气很好", "世界", "ltr"),
    "Japanese": ("吾輩は猫である。 ﾊﾝｶｸ と カタカナ", "カタカナ", "ltr"),
    "Korean": ("안녕하세요 여러분, 좋은 아침입니다", "여러분", "ltr"),
    "Greek": ("Καλημέρα κόσμε, τι κάνετε;", "κόσμε", "ltr"),
    "Vietnamese, decomposed": ("Cha\N{COMBINING GRAVE ACCENT}o buổi sáng", "chào", "ltr"),
    "emoji joined to one": ("family 👩‍👩‍👧‍👦 and flag 🏳️‍🌈 and thumb 👍🏽", "family", "ltr"),
    "many accents": (f"Z{chr(0x301) * 8}a{chr(0x323) * 6}lgo rises", "rises", "ltr"),
    "both directions": ("He said שלום and then مرحبا, twice.", "twice", "ltr"),
    "direction overridden": ("left \u202eright\u202c left", "left", "ltr"),
    "white space": ("  two\u00a0\u00a0spaces\n\n\tand a tab", "spaces", "ltr"),
}

PROGRAMS = (
    "<script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "</title></style></script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "\"'><input autofocus onfocus=alert(1)>",
    "' onmouseover='alert(1)' x='",
    '" onmouseover="alert(1)" style="position:fixed;inset:0" x="',
    "javascript:alert(1)",
    "[a](javascript:alert(1)) http://javascript:alert(1)@example.org/",
    'http://example.org/"onmouseover="alert(1)',
    "http://example.org/<script>alert(1)</script>",
    "http://example.org/&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;",
    '@susan"onmouseover="alert(1) @<b>x</b>',
    "data:text/html,<script>alert(1)</script>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<a href=javascript:alert(1)>here</a>",
    "<style>body{display:none}</style><base href=//example.org/>",
    "{{ 7 * 7 }} {% raw %} ${7*7} #{7*7} <%= 7*7 %>",
    "%3Cscript%3Ealert(1)%3C/script%3E &lt;script&gt;",
    "<!-- --><![CDATA[<script>alert(1)</script>]]>",
    "<math><mi//xlink:href='data:x,<script>alert(1)</script>'>",
    "<form action=//example.org/><button>Log out</button>",
    "<meta http-equiv=refresh content='0;url=//example.org/'>",
)

FEWER_PROGRAMS = PROGRAMS[::4]  # where each takes a password's hash, or two pages

# Everything that text could have become, had it not stayed text.
INJECTED = """() => {
    const found = [...document.querySelectorAll('script, style, base, iframe, object, embed, math, [style]')]
        .filter((each) => !(each.tagName === 'SCRIPT' && each.src.startsWith(location.origin + '/static/'))
            && !(each.tagName === 'TEXTAREA'));  // app.js sets the height of ours
    for (const each of document.querySelectorAll('*')) {
        for (const {name, value} of each.attributes) {
            if (name.startsWith('on') || /^\\s*(javascript|data|vbscript):/i.test(value)
                && ['href', 'src', 'action', 'xlink:href', 'formaction'].includes(name)) found.push(each);
        }
    }
    for (const form of document.forms)
        if (new URL(form.getAttribute('action'), location).origin !== location.origin) found.push(form);
    for (const meta of document.querySelectorAll('meta[http-equiv], img:not(.avatar)')) found.push(meta);
    return found.map((each) => each.outerHTML);
}"""
POSTS = "[data-post-id] .post-body"


@pytest.fixture
def susan(site: Site, open_window: Callable[..., Page]) -> Page:
    """The page of susan, who is logged in."""
    with site.application.database.write() as session:
        add_user(session, "susan")
    return open_window(site, nickname="susan")


def assert_inert(page: Page) -> None:
    assert page.evaluate(INJECTED) == []


def typed(text: str) -> str:
    """The stored form of a text: without spaces around it."""
    return text.strip()


def test_each_script_is_shown_as_it_was_typed_and_is_found(susan: Page) -> None:
    for name, (text, word, direction) in WRITINGS.items():
        susan.goto("/")
        susan.get_by_label("What is on your mind?").fill(text)
        susan.get_by_role("button", name="Post", exact=True).click()
        expect(susan.get_by_text("Your post is now live!")).to_be_visible()
        post = susan.locator(POSTS).first
        assert post.text_content() == typed(text), name
        assert post.evaluate("(each) => getComputedStyle(each).direction") == direction, name
        if "direction overridden" not in name:
            susan.goto(f"/search?q={quote(word)}")
            assert typed(text) in susan.locator(POSTS).all_text_contents(), name
            assert susan.get_by_label("What are you looking for?").input_value() == word
    assert_inert(susan)


def test_a_direction_override_ends_with_its_post(susan: Page) -> None:
    susan.goto("/")
    susan.get_by_label("What is on your mind?").fill("open \u202eoverride")
    susan.get_by_role("button", name="Post", exact=True).click()
    post = susan.locator(POSTS).first
    assert post.evaluate("(each) => getComputedStyle(each).unicodeBidi") == "isolate"


def test_programs_in_posts_are_only_letters(susan: Page) -> None:
    for program in PROGRAMS:
        susan.goto("/")
        susan.get_by_label("What is on your mind?").fill(program)
        susan.get_by_role("button", name="Post", exact=True).click()
        expect(susan.get_by_text("Your post is now live!")).to_be_visible()
        assert susan.locator(POSTS).first.text_content() == program
        assert_inert(susan)
    for link in susan.locator(f"{POSTS} a").all():
        address = link.get_attribute("href") or ""
        assert address.startswith(("http://", "https://", "/users/")), address
    susan.locator("[data-post-id] .post-when").first.click()
    assert susan.locator(POSTS).text_content() == PROGRAMS[-1]
    assert_inert(susan)


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_programs_in_a_refused_post_are_only_letters(
    site: Site, open_window: Callable[..., Page], susan: Page, javascript: bool
) -> None:
    page = open_window(site, nickname="susan", javascript=javascript)
    page.goto("/")
    text = "".join(PROGRAMS)
    page.get_by_label("What is on your mind?").fill(text)
    page.get_by_role("button", name="Post", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("too long")
    assert page.get_by_label("What is on your mind?").input_value() == text
    assert_inert(page)


def test_programs_about_oneself_are_only_letters(susan: Page) -> None:
    for program in FEWER_PROGRAMS:
        susan.goto("/account/profile")
        susan.get_by_label("About me").fill(program)
        susan.get_by_role("button", name="Save").click()
        expect(susan.get_by_text("Your profile has been saved.")).to_be_visible()
        assert susan.locator(".profile-about").text_content() == program
        assert_inert(susan)
    susan.goto("/users/")
    assert susan.locator(".person-about").text_content() == FEWER_PROGRAMS[-1]
    assert_inert(susan)


@pytest.mark.parametrize("path", ["/search", "/users/"])
def test_programs_in_a_search_are_only_letters(
    site: Site, open_window: Callable[..., Page], path: str
) -> None:
    page = open_window(site)
    for program in PROGRAMS:
        page.goto(f"{path}?q={quote(program)}")
        assert page.get_by_role("main").get_by_role("searchbox").input_value() == program
        assert program in page.title() or program not in page.content()
        assert_inert(page)


def test_programs_as_nicknames_are_refused_and_only_letters(
    site: Site, open_window: Callable[..., Page]
) -> None:
    page = open_window(site)
    for program in FEWER_PROGRAMS:
        page.goto("/login")
        page.get_by_label("Nickname or e-mail").fill(program)
        page.get_by_label("Password").fill("whatever it is")
        page.get_by_role("main").get_by_role("button", name="Log in").click()
        expect(page.get_by_role("alert")).to_be_visible()
        assert page.get_by_label("Nickname or e-mail").input_value() == program
        assert_inert(page)
    page.goto("/register")
    page.get_by_label("Nickname").fill(PROGRAMS[0])
    page.get_by_label("E-mail").fill("a@example.com")
    page.get_by_label("Password").fill("long enough for it")
    page.get_by_role("main").get_by_role("button", name="Sign up").click()
    assert page.get_by_label("Nickname").input_value() == PROGRAMS[0]
    expect(page.get_by_text("scriptalert1script is free.")).to_be_visible()
    assert_inert(page)


@pytest.mark.parametrize(
    "address",
    [
        "/login?next=javascript:alert(1)",
        "/login?next=//example.org/",
        "/login?next=/%5Cexample.org/",
        "/login?next=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
        "/explore?before=%3Cscript%3Ealert(1)%3C/script%3E",
        "/%3Cscript%3Ealert(1)%3C/script%3E",
        "/users/%3Cscript%3Ealert(1)%3C/script%3E",
        "/posts/%3Cscript%3Ealert(1)%3C/script%3E",
        "/search?q=x&by=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
        "/search?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&before=1",
    ],
)
def test_programs_in_addresses_do_nothing(site: Site, open_window: Callable[..., Page], address: str) -> None:
    page: Any = open_window(site)
    page.goto(address)
    assert_inert(page)
    for each in page.locator("input[name=next]").all():
        target = each.get_attribute("value")
        assert target.startswith("/"), target
        assert not target.startswith(("//", "/\\")), target


def test_a_forged_flash_message_says_nothing(site: Site, open_window: Callable[..., Page]) -> None:
    page = open_window(site)
    page.context.add_cookies(
        [{"name": "flash", "value": "W1siaW5mbyIsIjxzY3JpcHQ-Il1d.forged", "url": site.url}]
    )
    page.goto("/")
    expect(page.locator(".flash")).to_have_count(0)
    assert_inert(page)
