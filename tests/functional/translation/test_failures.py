"""A translation service that does not work: a sentence in place, the right status, and no long wait."""

from __future__ import annotations

import logging
import threading
from typing import Any, cast

import pytest
import sqlalchemy as sa

from microblog.posts.actions import delete
from microblog.translation import interfaces
from microblog.translation.asking import Translations
from microblog.translation.interfaces import get_translator
from microblog.translation.models import Translation
from tests.functional.translation.conftest import POST, find_person
from tests.functional.translation.test_translating import TRANSLATED, have_translated, log_in
from tests.translating import DROP, HANG, Reply
from tests.walk import bodies, post_ids

LATER = "The translation service does not answer at the moment. Please try again later."


def fail(browser, post_id, status):
    """Press the button; the page of the failure."""
    form = browser.get(f"/posts/{post_id}/translate").forms["translate-form"]
    return form.submit(status=status)


def problem(page):
    return page.html.select_one(".translation-problem[role=alert]").get_text()


@pytest.mark.parametrize(
    ("reply", "status", "failure"),
    [
        (DROP, 503, interfaces.TranslatorUnavailable),
        (Reply(500, {}), 503, interfaces.TranslatorUnavailable),
        (Reply(403, {}), 502, interfaces.TranslatorRefused),
        (Reply(429, {}), 503, interfaces.TranslatorBusy),
        (Reply(456, {}), 503, interfaces.QuotaUsedUp),
        (Reply(413, {}), 422, interfaces.TextRefused),
        (Reply(400, {"message": "'target_lang' not supported."}), 422, interfaces.UnsupportedLanguage),
        (Reply(body=b"<html>"), 502, interfaces.BrokenAnswer),
        (Reply(body={"translations": [{"text": "a\0b"}]}), 502, interfaces.BrokenAnswer),
    ],
)
def test_a_failure_is_told_in_place_and_the_button_is_still_there(
    site, service, post_id, reply, status, failure
):
    susan = log_in(site)
    service.reply = reply
    page = fail(susan, post_id, status)
    assert problem(page) == failure.for_people
    assert bodies(page) == [POST]
    assert page.html.title.get_text().startswith("Error: ")
    assert "translate-form" in page.forms


def test_a_failure_is_told_in_the_language_of_the_reader(site, service, post_id):
    service.reply = DROP
    susan = log_in(site)
    form = susan.get(f"/posts/{post_id}/translate").forms["translate-form"]
    page = form.submit(status=503, headers={"Accept-Language": "de"})
    assert page.html.html["lang"] == "de"
    assert problem(page)


def test_a_service_that_is_slow_is_a_504(service, make_application, post_id):
    settings = {**service.settings, "microblog.translator.deepl.timeout": "0.2"}
    susan = log_in(make_application(settings))
    service.reply = HANG
    page = fail(susan, post_id, 504)
    assert problem(page) == "The translation service takes too long to answer. Please try again later."


def test_when_the_service_says_when_to_come_back_so_does_the_page(site, service, post_id):
    service.reply = Reply(503, {}, headers={"Retry-After": "42"})
    assert fail(log_in(site), post_id, 503).headers["Retry-After"] == "42"


def test_a_service_that_failed_is_left_alone_and_everybody_is_told_at_once(site, service, post_id, caplog):
    susan = log_in(site)
    service.reply = DROP
    with caplog.at_level(logging.WARNING):
        for _ in range(4):
            page = fail(susan, post_id, 503)
    assert problem(page) == LATER
    assert int(page.headers["Retry-After"]) <= 30
    assert len(service.asked) == 2
    warnings = [
        record.getMessage() for record in caplog.records if record.name == "microblog.translation.asking"
    ]
    assert len(warnings) == 1
    assert "TranslatorUnavailable" in warnings[0]
    assert bodies(susan.get(f"/posts/{post_id}")) == [POST]


def test_what_is_kept_is_shown_while_the_service_is_down(site, service, post_id):
    susan = log_in(site)
    have_translated(susan, post_id)
    service.reply = DROP
    assert bodies(susan.get(f"/posts/{post_id}/translate")) == [TRANSLATED]


def test_nothing_is_locked_or_held_while_the_service_is_waited_for(site, service, post_id):
    susan, john = log_in(site), log_in(site, "john")
    form = susan.get(f"/posts/{post_id}/translate").forms["translate-form"]
    service.reply = HANG
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(form.submit(status="*")))
    waiting.start()
    assert service.waits.wait(10)
    pool = site.database.engine.pool
    assert pool.checkedout() == 0
    compose = john.get("/").forms["compose-form"]
    compose["body"] = "written meanwhile"
    compose.submit(status=303)
    service.__exit__()
    waiting.join()
    assert answers[0].status_int == 503


def test_two_people_who_ask_at_the_same_time_are_answered_by_one_request(site, service, post_id):
    forms = [
        log_in(site, name).get(f"/posts/{post_id}/translate").forms["translate-form"]
        for name in ("susan", "john")
    ]
    together = threading.Barrier(2)
    pages = []

    def send(form):
        together.wait()
        pages.append(form.submit(status=303).follow())

    threads = [threading.Thread(target=send, args=(form,)) for form in forms]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [bodies(page) for page in pages] == [[TRANSLATED], [TRANSLATED]]
    with site.database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Translation)) == 1


class Deleting:
    """A translator during whose work the post is deleted."""

    def __init__(self, site, post_id):
        self.site, self.post_id, self.asked = site, post_id, 0
        self.name, self.title, self.seconds = "deleting", "Deleting", 5.0

    def translate(self, text, source, target):
        self.asked += 1
        with self.site.database.write() as session:
            delete(session, self.post_id, find_person(session, "maria"))
        return "gone"


def test_a_post_that_is_deleted_meanwhile_is_not_found(site, post_id):
    susan = log_in(site)
    page = susan.get(f"/posts/{post_id}/translate")
    translator = Deleting(site, post_id)
    site.registry.translations = Translations(cast(Any, translator), most_waiting=2)
    page.forms["translate-form"].submit(status=410)
    assert translator.asked == 1
    assert post_ids(susan.get("/explore")) == []


def test_an_adapter_that_is_at_fault_breaks_no_page(site, post_id, caplog):
    translator = Deleting(None, post_id)
    site.registry.translations = Translations(cast(Any, translator), most_waiting=2)
    page = fail(log_in(site), post_id, 503)
    assert problem(page) == LATER
    assert "The translator deleting is at fault." in caplog.text
    assert get_translator(site.registry).name == "deepl"


def test_one_person_may_ask_so_often_and_no_more(service, make_application, post_id):
    limited = {**service.settings, "microblog.limits.translations.per_account": "2 per hour"}
    site = make_application(limited)
    susan = log_in(site)
    service.reply = Reply(413, {})
    for _ in range(2):
        fail(susan, post_id, 422)
    page = fail(susan, post_id, 429)
    assert "You have had very many posts translated in a short time." in page.text
    assert int(page.headers["Retry-After"]) > 0
    assert len(service.asked) == 2
    service.reply = None
    assert bodies(have_translated(log_in(site, "john"), post_id)) == [TRANSLATED]
    assert bodies(susan.get(f"/posts/{post_id}/translate")) == [TRANSLATED]


def test_without_a_limit_everybody_may_ask(service, make_application, post_id):
    limits = [f"microblog.limits.translations.{scope}" for scope in ("per_account", "site")]
    site = make_application({**service.settings, **dict.fromkeys(limits, "0")})
    assert bodies(have_translated(log_in(site), post_id)) == [TRANSLATED]


def test_a_site_may_ask_so_often_whoever_it_is(service, make_application, post_id):
    site = make_application({**service.settings, "microblog.limits.translations.site": "1 per hour"})
    service.reply = Reply(413, {})
    fail(log_in(site), post_id, 422)
    fail(log_in(site, "john"), post_id, 429)
    assert len(service.asked) == 1
