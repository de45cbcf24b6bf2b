"""Which translator a site has, and what its settings may be."""

from __future__ import annotations

import pytest

from microblog.settings import SettingsError
from microblog.translation.asking import Translations, translate
from microblog.translation.deepl import DeepL
from microblog.translation.interfaces import TranslationOff, UnsupportedLanguage, get_translator
from microblog.translation.languages import is_same_language
from microblog.translation.nothing import NoTranslator
from microblog.translation.settings import is_loopback, secret_key, service_url
from tests.contract.shouting import Shouting
from tests.translating import SERVICES


class NoTranslatorAtAll:
    name = "nothing"


def test_nothing_is_translated_unless_it_is_chosen(make_application):
    registry = make_application().registry
    assert get_translator(registry).name == "none"
    with pytest.raises(TranslationOff):
        translate(registry, "hola", "es", "en")


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_translator_is_chosen_by_its_name_and_the_site_starts_while_it_is_down(make_application, name):
    with SERVICES[name]() as service:
        settings = service.settings
    registry = make_application(settings).registry
    assert get_translator(registry).name == name
    assert service.connections == 0


def test_one_of_ones_own_is_chosen_by_its_dotted_name(make_application):
    name = f"{Shouting.__module__}.{Shouting.__name__}"
    settings = {"microblog.translator": name, "microblog.translator.shouting.end": "!"}
    registry = make_application(settings).registry
    assert get_translator(registry).name == "shouting"
    assert isinstance(registry.translations, Translations)
    assert translate(registry, "hola @susan & <b>\nsi", "es", "en") == "HOLA @susan & <B>!\nSI!"
    with pytest.raises(UnsupportedLanguage):
        translate(registry, "hola", "es", "tlh")
    assert get_translator(registry).check() == "It can be heard."


def test_a_plugin_replaces_the_one_that_was_chosen(make_application):
    name = f"{Shouting.__module__}.{Shouting.__name__}"
    application = make_application(
        {"microblog.translator": name}, extend=lambda config: config.set_translator(NoTranslator())
    )
    with pytest.raises(TranslationOff):
        get_translator(application.registry).check()


def test_a_plugin_sets_one_whose_settings_are_known(make_application):
    """As a test of its own, or a package that wraps a translator of ours, would do it."""
    with SERVICES["deepl"]() as service:
        application = make_application(service.settings, extend=lambda config: config.set_translator(DeepL()))
    assert get_translator(application.registry).name == "deepl"


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"microblog.translator": "google"}, "must be one of none, libretranslate, deepl, microsoft"),
        ({"microblog.translator": "no.such.module"}, "cannot be imported"),
        ({"microblog.translator": f"{__name__}.NoTranslatorAtAll"}, "does not provide ITranslator"),
        ({"microblog.translator": "deepl"}, "needs microblog.translator.deepl.key"),
        ({"microblog.translator": "microsoft"}, "needs microblog.translator.microsoft.key"),
        (
            {
                "microblog.translator": "deepl",
                "microblog.translator.deepl.key": "secret-key",
                "microblog.translator.deepl.url": "http://deepl.example",
            },
            "needs an address that begins with https://",
        ),
        (
            {
                "microblog.translator": "libretranslate",
                "microblog.translator.libretranslate.url": "localhost:5000",
            },
            "must be an address such as https://translate.example.org",
        ),
        (
            {"microblog.translator": "deepl", "microblog.translator.deepl.key": "secret key"},
            "must be a key as the service gives it",
        ),
    ],
)
def test_settings_that_cannot_work_stop_the_start(make_application, settings, fault):
    with pytest.raises(SettingsError, match=fault) as refusal:
        make_application(settings)
    assert "secret" not in str(refusal.value)


def test_settings_of_another_translator_may_stay_in_the_ini_file(make_application):
    settings = {"microblog.translator.deepl.key": "not in use", "microblog.translator": "none"}
    registry = make_application(settings).registry
    assert len(registry.microblog.warnings) == 1


@pytest.mark.parametrize(
    ("key", "url"), [("abc:fx", "https://api-free.deepl.com"), ("abc", "https://api.deepl.com")]
)
def test_the_key_of_deepl_tells_its_address(make_application, key, url):
    registry = make_application(
        {"microblog.translator": "deepl", "microblog.translator.deepl.key": key}
    ).registry
    translator = get_translator(registry)
    assert isinstance(translator, DeepL)
    assert translator.url == url


def test_a_global_resource_of_microsoft_has_no_region(make_application):
    service_class = SERVICES["microsoft"]
    with service_class() as service:
        settings = {**service.settings, "microblog.translator.microsoft.region": ""}
        service.reply = service.give(["HOLA"])
        assert translate(make_application(settings).registry, "hola", "es", "en") == "HOLA"
        assert "ocp-apim-subscription-region" not in service.asked[0].headers


@pytest.mark.parametrize(
    "value",
    [
        *(
            "",
            "localhost",
            "ftp://example.org",
            "https://",
            "https://example.org?a=b",
            "https://example.org/#a",
        ),
        *(
            "https://susan:secret@example.org",
            "https://example.org:99999",
            "https://exa mple.org",
            "http://[::1",
        ),
        "https://bücher.example",
    ],
)
def test_what_is_no_address_of_a_service(value):
    with pytest.raises(ValueError, match="must be an address"):
        service_url(value)


def test_an_address_is_kept_without_its_last_slash():
    assert service_url("https://example.org/api/") == "https://example.org/api"
    assert service_url("http://[::1]:5000") == "http://[::1]:5000"


def test_a_key_is_one_word_or_none():
    assert secret_key("a-b:fx") == "a-b:fx"
    assert secret_key("") is None
    with pytest.raises(ValueError, match="without spaces"):
        secret_key("a\u2028b")


@pytest.mark.parametrize(
    ("host", "is_this_machine"),
    [("localhost", True), ("127.0.0.5", True), ("::1", True), ("10.0.0.1", False), ("example.org", False)],
)
def test_this_machine_is_known(host, is_this_machine):
    assert is_loopback(host) is is_this_machine


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        *(("en", "en-GB", True), ("pt-BR", "pt_PT", True), ("es", "en", False), ("zh", "ja", False)),
        *(("zh", "zh-CN", True), ("zh-TW", "zh-Hant-HK", True), ("zh-Hans", "zh-Hant", False)),
        *(("zh-Hans-TW", "zh", True), ("ja", "zh", False)),
    ],
)
def test_variants_of_a_language_are_one_but_for_the_two_scripts_of_chinese(one, other, same):
    assert is_same_language(one, other) is same
