"""A real corpus, imported, searched and paged through: Debian's fortunes in three languages."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from benchmarks.fortunes import fortunes
from microblog.accounts.models import User
from microblog.db import DATABASE_URL
from microblog.posts.models import Post
from microblog.search.nothing import NoSearch
from microblog.search.settings import SEARCH
from microblog.search.text import split_words
from microblog.texts import split_graphemes
from tests.conftest import Application, get_adapter
from tests.functional.commands.conftest import run, write_ini
from tests.walk import bodies, post_ids

SWITCH = "MICROBLOG_TEST_FORTUNES"
FOLDER = os.environ.get(SWITCH)
MAX_LENGTH = 2000
LEAST_TEXTS = 10_000
SETTINGS = {"microblog.posts.max_length": str(MAX_LENGTH), "microblog.page_size": "100"}
POST_ID = re.compile(r'data-post-id="(\d+)"')

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        FOLDER is None,
        reason="no corpus: install fortunes, fortunes-min, fortunes-es and fortunes-de, and set "
        f"{SWITCH}=/usr/share/games/fortunes",
    ),
]


class Corpus:
    """The application, and its posts in it: `posts` are (id, author, language, body), newest first."""

    def __init__(self, application: Application, ini: Path, texts: list[dict[str, str]]) -> None:
        self.application = application
        self.ini = ini
        self.texts = texts
        self.posts = self.read()

    def read(self) -> list[Any]:
        with self.application.database.read() as session:
            return list(
                session.execute(
                    sa.select(Post.id, User.nickname, Post.language, Post.body)
                    .join(User, User.id == Post.user_id)
                    .order_by(Post.id.desc())
                )
            )

    def ids(self, matches: Any) -> list[int]:
        return [post.id for post in self.posts if matches(post)]


@pytest.fixture
def corpus(make_application, tmp_path) -> Corpus:
    application = make_application(SETTINGS)
    settings = application.registry.microblog
    more = "\n".join(["microblog.worker = off", *(f"{key} = {value}" for key, value in SETTINGS.items())])
    ini = write_ini(tmp_path / "site.ini", settings[DATABASE_URL], settings[SEARCH], more)
    texts = list(fortunes(Path(str(FOLDER))))
    (tmp_path / "corpus.jsonl").write_text(
        "".join(json.dumps(text, ensure_ascii=False) + "\n" for text in texts), encoding="utf-8"
    )
    too_long = [
        number for number, text in enumerate(texts, 1) if len(split_graphemes(text["body"])) > MAX_LENGTH
    ]
    result = run("-c", ini, "import", tmp_path / "corpus.jsonl", status=1 if too_long else 0)
    for number in too_long:
        assert f"Line {number:,}: This is" in result.stderr
    assert f"Loaded {len(texts) - len(too_long):,} posts; 0 were here already." in result.stdout
    return Corpus(
        application, ini, [text for text in texts if len(split_graphemes(text["body"])) <= MAX_LENGTH]
    )


def walk(browser: Any, url: str, title: str) -> Iterator[Any]:
    """This page, and the pages behind the links of this title, to the end."""
    page = browser.get(url)
    yield page
    while link := re.search(rf'<a [^>]*href="([^"]+)"[^>]*>[^<]*{title}', page.text):
        page = browser.get(link[1].replace("&amp;", "&"))
        yield page


def assert_complete(browser: Any, url: str, expected: list[int]) -> None:
    """Older to the end, and newer back to the beginning: each post once, in order."""
    pages = list(walk(browser, url, "Older posts"))
    assert [int(number) for page in pages for number in POST_ID.findall(page.text)] == expected
    back = list(walk(browser, pages[-1].request.url, "Newer posts"))
    assert [int(number) for page in reversed(back) for number in POST_ID.findall(page.text)] == expected


def test_the_corpus_is_loaded_once_found_and_paged_without_a_gap(corpus, tmp_path):
    """One test, since loading takes a while."""
    everything_is_there_and_intact(corpus)
    importing_again_changes_nothing(corpus, tmp_path)
    browser = corpus.application.browser()
    assert_complete(browser, "/explore", corpus.ids(lambda post: True))
    profiles_show_the_texts_as_they_are(corpus, browser)
    if type(get_adapter(corpus.application)) is not NoSearch:
        words_of_three_languages_are_found(corpus, browser)


def everything_is_there_and_intact(corpus: Corpus) -> None:
    assert len(corpus.texts) > LEAST_TEXTS
    assert {text["language"] for text in corpus.texts} == {"de", "en", "es"}
    expected = sorted((text["author"], text["language"], text["body"]) for text in corpus.texts)
    assert sorted((post.nickname, post.language, post.body) for post in corpus.posts) == expected


def importing_again_changes_nothing(corpus: Corpus, tmp_path: Path) -> None:
    for arguments in ([], ["--again"]):
        run("-c", corpus.ini, "import", *arguments, tmp_path / "corpus.jsonl", status=1)
    assert corpus.read() == corpus.posts


def profiles_show_the_texts_as_they_are(corpus: Corpus, browser: Any) -> None:
    author = "zitate.de"
    expected = corpus.ids(lambda post: post.nickname == author)
    assert_complete(browser, f"/users/{author}", expected)
    texts = {post.id: post.body for post in corpus.posts}
    for page in list(walk(browser, f"/users/{author}", "Older posts"))[:5]:
        assert bodies(page) == [texts[number] for number in post_ids(page)]


def words_of_three_languages_are_found(corpus: Corpus, browser: Any) -> None:
    for typed in ("corazón", "corazon", "größe", "GRÖSSE", "don't", '"free lunch"', '"año nuevo"', "l'amour"):
        wanted = split_words(typed)
        expected = corpus.ids(lambda post, wanted=wanted: has_phrase(split_words(post.body), wanted))
        assert expected, f"The corpus has no {typed}."
        page = browser.get("/search", {"q": typed if '"' in typed else f'"{typed}"'})
        assert_complete(browser, page.request.url, expected)
    url = browser.get("/search", {"q": "corazón"}).request.url
    found = {post_id for page in walk(browser, url, "Older posts") for post_id in post_ids(page)}
    with_form = set(corpus.ids(lambda post: "corazones" in split_words(post.body)))
    assert with_form
    assert found >= with_form | set(corpus.ids(lambda post: "corazon" in split_words(post.body)))


def has_phrase(words: list[str], phrase: list[str]) -> bool:
    return any(words[start : start + len(phrase)] == phrase for start in range(len(words) - len(phrase) + 1))
