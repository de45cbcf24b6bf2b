"""The translator of a site: chosen by its name in the ini file, or set by `config.set_translator`."""

from __future__ import annotations

from typing import Any

from pyramid.config import PHASE0_CONFIG
from pyramid.util import DottedNameResolver
from zope.interface.exceptions import Invalid
from zope.interface.verify import verifyClass

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
    settings = config.registry.microblog
    name = settings[TRANSLATOR]
    for other in TRANSLATORS.keys() - {name}:  # their settings may stay in the ini file, for switching back
        config.declare_settings(*getattr(get_class(other), "SETTINGS", ()), in_use=False)
    try:
        config.set_translator(get_class(name)())
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        problem = str(error) if name in TRANSLATORS else f"cannot be imported: {error}"
        settings.add_fault(
            f"{TRANSLATOR.key} must be one of {', '.join(TRANSLATORS)}, or a dotted name; {name!r}: {problem}"
        )
    except Invalid as error:
        settings.add_fault(f"{TRANSLATOR.key}: {name!r} does not provide ITranslator: {error}")
    else:
        return
    config.set_translator(NoTranslator())


def set_translator(config: Any, translator: Any) -> None:
    """Directive: translate by this object, which provides `ITranslator`, and maybe `ITranslatorSettings`.

    :raises ValueError: when it cannot work with the settings.
    """
    registry = config.registry
    if ITranslatorSettings.providedBy(translator):
        declared = {setting for setting in registry.microblog if registry.microblog.is_in_use(setting)}
        if new := [setting for setting in translator.SETTINGS if setting not in declared]:
            config.declare_settings(*new)
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
    translator_class = DottedNameResolver().resolve(TRANSLATORS.get(name, name))
    verifyClass(ITranslator, translator_class, tentative=False)
    return translator_class
