"""Real texts, Debian's fortunes in three languages, are read in a real browser from end to end."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from benchmarks.fortunes import fortunes
from microblog.importing.importer import Importer, compute_digest
from microblog.posts.forms import MAX_LENGTH
from microblog.search.text import split_words
from microblog.web.pages import PAGE_SIZE
from tests.browser.test_accessibility import barriers, too_wide

FOLDER = os.environ.get("MICROBLOG_TEST_FORTUNES")
LONGEST = 2000
# tests/corpus reads all of them through WebTest; here every thirtieth, all the same some 1,500.
EVERY = 30
SETTINGS = {MAX_LENGTH.key: str(LONGEST), PAGE_SIZE.key: "100"}
POSTS_SHOWN = """() => [...document.querySelectorAll('[data-post-id]')]
    .map((each) => [each.dataset.postId, each.querySelector('.post-body').textContent])"""
IS_TOO_WIDE = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(
        FOLDER is None,
        reason="no corpus: install fortunes, fortunes-min, fortunes-es and fortunes-de, and set "
        "MICROBLOG_TEST_FORTUNES=/usr/share/games/fortunes",
    ),
]


@pytest.fixture
def library(make_application: Any, tmp_path: Path) -> tuple[Any, list[str]]:
    """The application with the texts imported, and these, newest first."""
    texts = list(fortunes(Path(str(FOLDER))))[::EVERY]
    path = tmp_path / "corpus.jsonl"
    path.write_text("".join(f"{json.dumps(text)}\n" for text in texts), encoding="utf-8")
    application = make_application(SETTINGS)
    refused: list[int] = []
    importer = Importer(
        application.database, max_length=LONGEST, on_bad_line=lambda number, sentence: refused.append(number)
    )
    with path.open("rb") as file:
        digest = compute_digest(file, lambda size: None)
        for _ in importer.run(file, digest, path.name, None):
            pass
    kept = [text for number, text in enumerate(texts, 1) if number not in refused]
    kept.sort(key=lambda text: text["created"], reverse=True)
    return application, [text["body"] for text in kept]


def read_to_the_end(page: Page, link: str) -> list[list[tuple[str, str]]]:
    """(id, text) of the posts of this page and of those behind the links of this name."""
    pages = []
    while True:
        assert not page.evaluate(IS_TOO_WIDE), page.url
        pages.append([(post_id, text) for post_id, text in page.evaluate(POSTS_SHOWN)])
        further = page.get_by_role("link", name=link, exact=True)
        if further.count() == 0:
            return pages
        with page.expect_navigation():
            further.click()


def test_real_texts_are_paged_through_to_the_end_and_back(
    library: tuple[Any, list[str]], serve: Any, open_window: Callable[..., Page], axe: str
) -> None:
    application, texts = library
    assert len(texts) > 1000
    page = open_window(serve(application), width=360)
    page.goto("/explore")
    older = [post for posts in read_to_the_end(page, "Older posts") for post in posts]
    assert [text for _, text in older] == texts
    newer = [post for posts in reversed(read_to_the_end(page, "Newer posts")) for post in posts]
    assert newer == older
    assert barriers(page, axe) == []
    assert too_wide(page) == []


def test_a_spanish_word_with_an_accent_is_found(
    library: tuple[Any, list[str]], serve: Any, open_window: Callable[..., Page]
) -> None:
    application, texts = library
    page = open_window(serve(application))
    page.goto("/")
    # As somebody types it on a keyboard without accents, and as it is written.
    for typed in ("corazon", "corazón"):
        page.get_by_role("searchbox").first.fill(typed)
        page.get_by_role("searchbox").first.press("Enter")
        expect(page.get_by_role("heading", name="Search", level=1)).to_be_visible()
        shown = [text for _, text in page.evaluate(POSTS_SHOWN)]
        with_word = [text for text in texts if "corazon" in split_words(text)]
        with_form = [text for text in texts if {"corazon", "corazones"} & set(split_words(text))]
        assert any("corazón" in text for text in with_word)
        assert shown == with_form
        assert len(with_form) > len(with_word)
