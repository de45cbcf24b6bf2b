"""What only one of the services does."""

from __future__ import annotations

import shutil

import pytest

from microblog.settings import Settings
from microblog.translation.client import JsonClient, find
from microblog.translation.deepl import DeepL, get_target
from microblog.translation.interfaces import (
    QuotaUsedUp,
    TextRefused,
    TranslatorRefused,
    TranslatorUnavailable,
)
from microblog.translation.libretranslate import LibreTranslate
from microblog.translation.microsoft import get_code
from tests.sink import make_certificate
from tests.translating import DeepLServer, LibreTranslateServer, Reply


def make(translator_class, service):
    translator = translator_class()
    settings = Settings(service.settings, {})
    settings.declare(*translator.SETTINGS)
    translator.configure(settings)
    return translator


@pytest.mark.parametrize(
    ("code", "name"),
    [
        *(("en", "EN-US"), ("en-GB", "EN-GB"), ("en-AU", "EN-US"), ("pt", "PT-PT"), ("pt-BR", "PT-BR")),
        *(("de-AT", "DE"), ("no", "NB"), ("zh", "ZH-HANS"), ("zh-HK", "ZH-HANT")),
    ],
)
def test_deepl_wants_the_variant_of_a_target(code, name):
    assert get_target(code) == name


@pytest.mark.parametrize(
    ("code", "name"),
    [
        *(("pt", "pt"), ("pt-BR", "pt"), ("pt-PT", "pt-pt"), ("fr-CA", "fr-ca"), ("fr", "fr"), ("nn", "nb")),
        *(("sr", "sr-Cyrl"), ("sr-Latn", "sr-Latn"), ("zh", "zh-Hans"), ("zh-TW", "zh-Hant")),
    ],
)
def test_microsoft_has_variants_of_some_languages(code, name):
    assert get_code(code) == name


def test_libretranslate_works_without_a_key_and_sends_none():
    with LibreTranslateServer() as service:
        values = {name: value for name, value in service.settings.items() if not name.endswith(".key")}
        settings = Settings(values, {})
        settings.declare(*LibreTranslate.SETTINGS)
        translator = LibreTranslate()
        translator.configure(settings)
        service.reply = service.give(["HOLA"])
        assert translator.translate("hola", "es", "en") == "HOLA"
        assert "api_key" not in service.asked[0].body


def test_libretranslate_says_with_a_400_that_it_wants_a_key():
    with LibreTranslateServer() as service:
        service.reply = Reply(400, {"error": "Please contact the server operator to get an API key"})
        with pytest.raises(TranslatorRefused):
            make(LibreTranslate, service).translate("hola", "es", "en")


def test_libretranslate_says_with_a_400_what_else_it_does_not_take():
    with LibreTranslateServer() as service:
        service.reply = Reply(400, {"error": "Invalid request: request (9000) exceeds text limit (5000)"})
        with pytest.raises(TextRefused, match="exceeds text limit"):
            make(LibreTranslate, service).translate("hola", "es", "en")


def test_a_check_of_deepl_tells_that_the_quota_is_used_up():
    with DeepLServer() as service:
        service.reply = Reply(body={"character_count": 500_000, "character_limit": 500_000})
        with pytest.raises(QuotaUsedUp, match="All 500,000 characters"):
            make(DeepL, service).check()


def test_deepl_gets_its_key_in_a_header_and_never_in_an_address():
    with DeepLServer() as service:
        make(DeepL, service).translate("hola", "es", "en")
        (asked,) = service.asked
        assert asked.query == {}
        assert asked.headers["authorization"] == f"DeepL-Auth-Key {service.key}"


def test_a_certificate_that_nobody_has_signed_is_refused(tmp_path):
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("Install openssl, to test the certificate of a translation service.")
    with DeepLServer(context=make_certificate(openssl, tmp_path)) as service:
        client = JsonClient(service.url, {}, 5.0)
        with pytest.raises(TranslatorUnavailable, match="certificate"):
            client.get("/v2/usage")
        assert service.asked == []


def test_a_path_in_a_document_leads_to_a_value_or_to_none():
    data = {"a": [{"b": 1}]}
    assert find(data, "a", 0, "b") == 1
    for path in [("b",), ("a", 1), ("a", 0, 0), ("a", "b"), ("a", 0, "b", "c")]:
        assert find(data, *path) is None
