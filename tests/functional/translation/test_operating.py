"""What an operator sees of the translator: doctor and metrics."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from microblog.checks import FAULT, OK, WARNING
from microblog.health.interfaces import get_readiness
from microblog.translation.checks import describe_translator
from tests.functional.translation.test_failures import fail
from tests.functional.translation.test_translating import have_translated, log_in
from tests.translating import DROP, Reply


def check(application):
    (finding,) = describe_translator(SimpleNamespace(registry=application.registry))
    return finding.level, finding.sentence


def test_doctor_says_that_nothing_is_translated(application):
    assert check(application) == (OK, "Posts are not translated (microblog.translator = none).")


def test_doctor_asks_the_service(site, service):
    assert check(site) == (OK, "DeepL answers; 180,118 of 500,000 characters are used.")
    service.reply = Reply(body={"character_count": 7, "character_limit": 7})
    assert check(site)[0] == WARNING
    service.reply = Reply(403, {"message": "Forbidden"})
    level, sentence = check(site)
    assert level == FAULT
    assert "The service answered 403 (Forbidden)" in sentence
    assert "microblog.translator.deepl.*" in sentence
    assert service.key not in sentence


def read_metrics(site):
    text = site.browser(REMOTE_ADDR="127.0.0.1").get("/metrics").text
    return {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if line[0] != "#"
    }


@pytest.fixture
def measured(service, make_application):
    return make_application({**service.settings, "microblog.metrics": "true"})


def test_translations_are_counted_by_how_they_ended(measured, service, post_id):
    susan = log_in(measured)
    assert read_metrics(measured)["microblog_translator_paused"] == 0
    service.reply = DROP
    for _ in range(3):
        fail(susan, post_id, 503)
    metrics = read_metrics(measured)
    assert metrics['microblog_translations_total{result="TranslatorUnavailable"}'] == 3
    assert metrics["microblog_translator_paused"] == 1
    measured.registry.translations.circuit.note_success()
    service.reply = None
    have_translated(susan, post_id)
    metrics = read_metrics(measured)
    assert metrics['microblog_translations_total{result="done"}'] == 1
    assert metrics["microblog_translator_paused"] == 0


def test_a_translator_that_is_down_takes_no_site_out_of_service(site, service):
    service.reply = DROP
    assert "translator" not in get_readiness(site.registry).ask()
