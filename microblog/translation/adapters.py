"""The translator of a site: chosen by its name in the ini file, or set by `config.set_translator`."""

from __future__ import annotations

from typing import Any

from pyramid.config import PHASE0_CONFIG
from zope.interface.verify import verifyClass

from microblog.choosing import choose, declare_settings_of, resolve_class
from microblog.translation.asking import Translations
from microblog.translation.interfaces import ITranslator, ITranslatorSettings
from microblog.translation.nothing import NoTranslator
from microblog.translation.settings import AT_ONCE, TRANSLATOR

TRANSLATORS = {
    "none": "microblog.translation.nothing.NoTranslator",
    "libretranslate": "microblog.translation.libretranslate.LibreTranslate",
    "deepl": "microblog.translation.deepl.DeepL",
    "microsoft": "microblog.translation.microsoft.MicrosoftTranslator",
}


def choose_translator(config: Any) -> None:
    """Set the translator that `microblog.translator` names; a fault of it becomes a fault of the settings."""
    if not choose(config, TRANSLATOR, TRANSLATORS, ITranslator, get_class, config.set_translator):
        config.set_translator(NoTranslator())


def set_translator(config: Any, translator: Any) -> None:
    """Directive: translate by this object, which provides `ITranslator`, and maybe `ITranslatorSettings`.

    :raises ValueError: when it cannot work with the settings.
    """
    registry = config.registry
    if ITranslatorSettings.providedBy(translator):
        declare_settings_of(config, translator)
        translator.configure(registry.microblog)
    introspectable = config.introspectable("translator", None, type(translator).__name__, "translator")

    def register() -> None:
        registry.registerUtility(translator, ITranslator)
        registry.translations = Translations(translator, most_waiting=registry.microblog[AT_ONCE])

    config.action("translator", register, order=PHASE0_CONFIG, introspectables=(introspectable,))


def get_class(name: str) -> Any:
    """The class of a translator, built in or not.

    :raises ImportError, AttributeError, ValueError, Invalid: when there is none, or it is no translator.
    """
    translator_class = resolve_class(name, TRANSLATORS)
    verifyClass(ITranslator, translator_class, tentative=False)
    return translator_class
