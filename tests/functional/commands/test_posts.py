"""`microblog posts detect-languages`: old posts get their language."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from microblog.posts.actions import set_detected_languages
from microblog.posts.commands import detect_missing_languages
from microblog.posts.events import PostLanguageChanged
from microblog.posts.models import Post
from microblog.posts.queries import add_post
from tests.walk import enter

GERMAN, ENGLISH = "Das ist ein kleiner Satz auf Deutsch.", "This is a little sentence in English."


@pytest.fixture
def old_posts(browser, database):
    """Ids of posts by their text: of a version that detected nothing, and one whose author has said it."""
    enter(browser, "susan")
    with database.write() as session:
        user_id = session.scalar(sa.text("SELECT id FROM users"))
        ids = {body: add_post(session, user_id, body) for body in (GERMAN, ENGLISH, "ok")}
        ids["chosen"] = add_post(session, user_id, GERMAN, language="und")
    return ids


def languages(database):
    with database.read() as session:
        return {row.id: row.language for row in session.execute(sa.select(Post.id, Post.language))}


def test_posts_without_a_language_get_it(microblog, database, old_posts):
    said = microblog("posts", "detect-languages").stdout
    assert said == "The languages of 2 posts were detected; of 1 they stay unknown.\n"
    assert languages(database) == {
        old_posts[GERMAN]: "de",
        old_posts[ENGLISH]: "en",
        old_posts["ok"]: None,
        old_posts["chosen"]: "und",
    }


def test_a_second_time_there_is_nothing_to_do(microblog, old_posts):
    microblog("posts", "detect-languages")
    said = microblog("posts", "detect-languages").stdout
    assert said == "The languages of 0 posts were detected; of 1 they stay unknown.\n"


def test_it_goes_on_after_an_interruption(database, old_posts):
    def interrupt(more):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        detect_missing_languages(database, interrupt, size=1)
    assert sorted(filter(None, languages(database).values())) == ["de", "und"]
    steps: list[int] = []
    assert detect_missing_languages(database, steps.append, size=1) == 1
    assert steps == [1, 1]
    assert languages(database)[old_posts[ENGLISH]] == "en"


def test_a_language_that_was_chosen_meanwhile_stays(database, old_posts):
    with database.write() as session:
        assert set_detected_languages(session, {old_posts["chosen"]: "de", old_posts[GERMAN]: "de"}) == 1
    assert languages(database)[old_posts["chosen"]] == "und"


def test_a_post_that_was_found_by_its_words_is_found_by_its_language_too(microblog, application, old_posts):
    microblog("search", "rebuild")
    browser = application.browser()
    assert "kleiner" not in browser.get("/search?q=lang:de+kleiner").html.select_one(
        "main"
    ).get_text().replace("lang:de kleiner", "")
    microblog("posts", "detect-languages")
    found = browser.get("/search?q=lang:de+kleiner").html.select("[data-post-id]")
    assert [int(post["data-post-id"]) for post in found] == [old_posts[GERMAN]]


def test_subscribers_know_that_a_language_was_detected_later(make_application, browser):
    seen = []
    application = make_application(
        extend=lambda config: config.add_subscriber(
            lambda event: seen.append((event.imported, event.language)), PostLanguageChanged
        )
    )
    other = application.browser()
    enter(other, "susan")
    with application.database.write() as session:
        user_id = session.scalar(sa.text("SELECT id FROM users"))
        add_post(session, user_id, GERMAN)
    detect_missing_languages(application.database, lambda more: None)
    assert seen == [(True, "de")]
