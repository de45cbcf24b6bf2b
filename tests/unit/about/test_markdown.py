"""The operator's Markdown becomes HTML in which nothing can be smuggled."""

from __future__ import annotations

import pytest
from bs4 import BeautifulSoup
from hypothesis import given, settings
from hypothesis import strategies as st

from microblog.about.markdown import is_safe_link, render


def test_the_heading_that_begins_a_text_is_its_title_and_others_stand_below_it():
    title, body = render("# Our *little* site `v2`\n\nHello.\n\n# Rules\n\n## Of the house\n")
    assert title == "Our little site v2"
    assert body == "<p>Hello.</p>\n<h2>Rules</h2>\n<h2>Of the house</h2>\n"


@pytest.mark.parametrize("text", ["Hello.", "Hello.\n\n# Later", "## Second level", "#", "", "\n\n"])
def test_a_text_need_not_have_a_title(text):
    title, _ = render(text)
    assert title is None


def test_a_title_in_two_lines_is_one_line():
    assert render("One\nand two\n===\n")[0] == "One and two"


def test_html_is_text():
    assert render("<b>x</b>\n\n<script>alert(1)</script>")[1] == (
        "<p>&lt;b&gt;x&lt;/b&gt;</p>\n<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n"
    )


def test_a_picture_is_a_link():
    assert render("![Us](https://example.org/us.png)")[1] == (
        '<p>!<a href="https://example.org/us.png">Us</a></p>\n'
    )


def test_lists_tables_and_quotations_are_there():
    body = render("- a\n- b\n\n> q\n\n|x|y|\n|-|-|\n|1|~~2~~|\n")[1]
    assert [
        element.name for element in BeautifulSoup(body, "html.parser").select("ul, blockquote, table, s")
    ] == [
        "ul",
        "blockquote",
        "table",
        "s",
    ]


@pytest.mark.parametrize(
    "url",
    ["https://example.org/", "HTTP://example.org", "mailto:a@example.org", "tel:+1", "/explore", "#top"],
)
def test_links_to_the_web_to_mail_and_to_pages_of_the_site_are_links(url):
    assert [a["href"] for a in BeautifulSoup(render(f"[x]({url})")[1], "html.parser").select("a")] == [url]


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\tscript:alert(1)",
        "\x01javascript:alert(1)",
        "vbscript:x",
        "data:text/html,x",
        "file:///etc/passwd",
        "http://[broken",
    ],
)
def test_no_other_address_is_a_link(url):
    assert not is_safe_link(url)


@settings(deadline=None)  # the first text is parsed slowly
@given(st.text(alphabet="#<>[]()!&:javascript \n*_`~|-\"'", max_size=60))
def test_whatever_is_written_no_script_and_no_handler_is_in_the_page(text):
    soup = BeautifulSoup(render(text)[1], "html.parser")
    assert not soup.select("script, img, iframe, object, form, input, style")
    assert not [name for element in soup.select("*") for name in element.attrs if name.startswith("on")]
    assert not [a["href"] for a in soup.select("a") if str(a["href"]).lower().startswith("javascript")]
