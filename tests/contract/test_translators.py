"""One suite for every translator, against a local server that speaks the protocol of its service."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from zope.interface.verify import verifyObject

from microblog.settings import Settings
from microblog.translation.adapters import get_class
from microblog.translation.asking import Translations
from microblog.translation.interfaces import (
    BrokenAnswer,
    ITranslator,
    ITranslatorSettings,
    QuotaUsedUp,
    TextRefused,
    TranslationFailed,
    TranslatorBusy,
    TranslatorRefused,
    TranslatorSlow,
    TranslatorUnavailable,
    UnsupportedLanguage,
)
from tests.translating import DROP, HANG, SERVICES, Reply, Service

TEXT = "¡Qué día! & <b>no</b> #Flores\n\n  con @susan y https://example.org/a?b=1&c=2 «hoy»"
SHOUTED = "¡QUÉ DÍA! & <B>NO</B> #Flores\n\n  CON @susan Y https://example.org/a?b=1&c=2 «HOY»"
SHORT = "0.2"  # seconds


@pytest.fixture(params=sorted(SERVICES))
def service(request: Any) -> Iterator[Service]:
    with SERVICES[request.param]() as service:
        yield service


def make_translator(service: Service, **changes: str) -> Any:
    translator = get_class(service.name)()
    values = {f"microblog.translator.{service.name}.{name}": value for name, value in changes.items()}
    settings = Settings({**service.settings, **values}, {})
    settings.declare(*translator.SETTINGS)
    translator.configure(settings)
    return translator


@pytest.fixture
def translator(service: Service) -> Any:
    return make_translator(service)


def test_a_translator_provides_its_interfaces(service, translator):
    assert verifyObject(ITranslator, translator)
    assert verifyObject(ITranslatorSettings, translator)
    assert translator.name == service.name


def test_a_translator_makes_no_request_before_it_is_asked(service, translator):
    assert service.connections == 0
    translator.translate("hola", "es", "en")
    assert service.connections == 1


def test_a_text_is_translated_and_lines_links_tags_and_mentions_are_kept(service, translator):
    assert translator.translate(TEXT, "es", "en") == SHOUTED


def test_everything_is_sent_in_one_request(service, translator):
    translator.translate("\n".join(["hola"] * 20), "es", "en")
    assert len(service.asked) == 1
    assert service.texts == ["hola"] * 20


def test_more_lines_than_a_request_may_have_are_sent_in_several(service, translator):
    text = "\n".join(f"hola {number}" for number in range(150))
    assert translator.translate(text, "es", "en") == text.upper()
    assert len(service.asked) > 1


def test_a_text_without_words_is_not_sent(service, translator):
    text = "@susan https://example.org/ #flores\n\n12:30 🥊"
    assert translator.translate(text, "es", "en") == text
    assert service.asked == []


def test_what_looks_like_markup_comes_back_as_the_text_that_it_was(service, translator):
    text = '&amp; &lt;b&gt; 1 < 2 </x> </span> <span translate="no" id="k0n0">si</span> <x id="k0n0"/> "\''
    assert translator.translate(text, "es", "en") == text.upper()


def test_connections_are_kept(service, translator):
    for _ in range(3):
        translator.translate("hola", "es", "en")
    assert (len(service.asked), service.connections) == (3, 1)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("no", "de"),
        ("zh-TW", "en"),
        ("zh", "en-GB"),
        ("en", "zh-Hant"),
        ("es", "pt-BR"),
        ("nn", "zh-CN"),
        ("pt-PT", "sr"),
        ("fr-CA", "sr-Latn"),
    ],
)
def test_languages_have_many_names_and_the_service_gets_its_own(translator, source, target):
    assert translator.translate("hola", source, target) == "HOLA"


@pytest.mark.parametrize(("source", "target"), [("tlh", "en"), ("es", "tlh")])
def test_a_language_that_the_service_does_not_know(translator, source, target):
    with pytest.raises(UnsupportedLanguage):
        translator.translate("hola", source, target)


def test_a_wrong_key_is_refused_and_not_repeated(service):
    translator = make_translator(service, key="wrong-key")
    with pytest.raises(TranslatorRefused) as refusal:
        translator.translate("hola", "es", "en")
    assert "wrong-key" not in str(refusal.value)


def test_the_quota_is_used_up(service, translator):
    service.reply = service.refuse_quota()
    with pytest.raises((QuotaUsedUp, TranslatorBusy)) as failure:
        translator.translate("hola", "es", "en")
    assert failure.value.pause_seconds


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        (204, BrokenAnswer),
        (400, TextRefused),
        (401, TranslatorRefused),
        (403, TranslatorRefused),
        (404, TranslatorRefused),
        (408, TranslatorUnavailable),
        (413, TextRefused),
        (418, BrokenAnswer),
        (429, TranslatorBusy),
        (500, TranslatorUnavailable),
        (503, TranslatorUnavailable),
        (529, TranslatorBusy),
    ],
)
def test_other_refusals_are_known_by_their_status(service, translator, status, failure):
    service.reply = Reply(status, b"" if status == 204 else {}, headers={"Retry-After": "17"})
    with pytest.raises(TranslationFailed) as raised:
        translator.translate("hola", "es", "en")
    assert type(raised.value) is failure
    assert raised.value.retry_after == 17


@pytest.mark.parametrize("location", ["http://127.0.0.1:9/", "/translate", ""])
def test_a_redirect_is_not_followed(service, translator, location):
    service.reply = Reply(307, {}, headers={"Location": location})
    with pytest.raises(TranslatorUnavailable, match="redirects to"):
        translator.translate("hola", "es", "en")
    assert len(service.asked) == 1


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=b"{"),
        Reply(body=b"[" * 100_000),
        Reply(body=b"\xff\xfe"),
        Reply(body=b""),
        Reply(body=None),
        Reply(body={}),
        Reply(body=[]),
        Reply(body=[[]]),
        Reply(body={"translatedText": "hola", "translations": "hola"}),
        Reply(body=b"<html>hola</html>", content_type="text/html"),
        Reply(body=b"{}", headers={"Content-Encoding": "gzip"}),
        Reply(body=b"x" * 2_000_000),
    ],
    ids=lambda reply: f"{reply.content_type} {reply.body!r:.30}",
)
def test_a_broken_answer_is_reported_from_a_translation(service, translator, reply):
    service.reply = reply
    with pytest.raises(BrokenAnswer):
        translator.translate("hola", "es", "en")


@pytest.mark.parametrize("texts", [[], ["one", "two"], [None], [7], [["one"]]])
def test_an_answer_has_one_text_for_each_that_was_sent(service, translator, texts):
    service.reply = service.give(texts)
    with pytest.raises(BrokenAnswer):
        translator.translate("hola", "es", "en")


def test_an_answer_may_come_in_pieces_and_its_connection_is_kept(service, translator):
    service.reply = replace(service.give(["¡HOLA!"]), chunked=True)
    for _ in range(2):
        assert translator.translate("hola", "es", "en") == "¡HOLA!"
    assert service.connections == 1


def test_after_a_huge_answer_the_next_one_is_right(service, translator):
    service.reply = Reply(body=b"x" * 2_000_000)
    with pytest.raises(BrokenAnswer):
        translator.translate("hola", "es", "en")
    service.reply = None
    assert translator.translate("hola", "es", "en") == "HOLA"


@pytest.mark.parametrize(
    "reply", [HANG, Reply(body={"a": "b"}, begin=True), Reply(body={"a": "b" * 500}, drip=True)]
)
def test_a_service_that_is_too_slow_is_given_up(service, reply):
    translator = make_translator(service, timeout=SHORT)
    service.reply = reply
    with pytest.raises(TranslatorSlow):
        translator.translate("hola", "es", "en")


def test_a_service_that_hangs_up(service, translator):
    service.reply = DROP
    with pytest.raises(TranslatorUnavailable):
        translator.translate("hola", "es", "en")


def test_a_service_that_is_not_there(service):
    translator = make_translator(service)
    service.__exit__()
    with pytest.raises(TranslatorUnavailable):
        translator.translate("hola", "es", "en")


def test_a_service_that_comes_back_is_used_again(service, translator):
    service.reply = DROP
    with pytest.raises(TranslatorUnavailable):
        translator.translate("hola", "es", "en")
    service.reply = None
    assert translator.translate("hola", "es", "en") == "HOLA"


def test_several_threads_translate_at_the_same_time(service, translator):
    answers: dict[int, str] = {}

    def run(number: int) -> None:
        answers[number] = translator.translate(f"hola {number}", "es", "en")

    threads = [threading.Thread(target=run, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {number: f"HOLA {number}" for number in range(6)}


def test_a_check_says_that_it_works(translator):
    assert translator.check().endswith(".")


@pytest.mark.parametrize("reply", [Reply(500, {}), Reply(body={}), DROP])
def test_a_check_fails_when_the_service_does(service, translator, reply):
    service.reply = reply
    with pytest.raises(TranslationFailed):
        translator.check()


def test_the_guard_waits_no_longer_than_the_translator_says(service):
    translations = Translations(make_translator(service, timeout=SHORT), most_waiting=1)
    service.reply = HANG
    with pytest.raises(TranslatorSlow):
        translations.ask("hola", "es", "en")
