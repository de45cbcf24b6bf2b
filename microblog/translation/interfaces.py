"""What a translator promises; `tests/contract/test_translators.py` holds every adapter to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from zope.interface import Attribute, Interface

from microblog.i18n import _

if TYPE_CHECKING:
    from microblog.request import Registry
    from microblog.settings import Settings

LATER = _("The translation service does not answer at the moment. Please try again later.")


class TranslationFailed(Exception):
    """There is no translation. The message is for the operator, and holds neither keys nor texts of people.

    `for_people` is the sentence that a reader sees. `retry_after` is the number of seconds after which the
    service wants to be asked again, or None. A failure that `is_outage` concerns every text: after some of
    them in a row the service is left alone for a while, and after one when `pause_seconds` says for how long.
    """

    for_people: ClassVar[str] = LATER
    is_outage: ClassVar[bool] = True
    pause_seconds: ClassVar[float | None] = None

    def __init__(self, reason: str, *, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class TranslatorUnavailable(TranslationFailed):
    """The service cannot be reached, hangs up, or says that it is out of order."""


class TranslatorSlow(TranslatorUnavailable):
    """The service has not answered in time."""

    for_people = _("The translation service takes too long to answer. Please try again later.")


class TranslatorBusy(TranslationFailed):
    """The service is asked too often now."""

    for_people = _("The translation service has too much to do at the moment. Please try again in a minute.")
    pause_seconds = 10.0


class QuotaUsedUp(TranslationFailed):
    """What this site may have translated in a month, or a day, is used up."""

    for_people = _("This site cannot have more posts translated for now. Please try again another day.")
    pause_seconds = 600.0


class TranslatorRefused(TranslationFailed):
    """The service refuses us, because of our key or our settings: the operator has to do something."""

    for_people = _("The translation service refuses to work for this site. Its operator can correct that.")
    pause_seconds = 60.0


class BrokenAnswer(TranslationFailed):
    """The service answered with something that cannot be a translation."""

    for_people = _("The translation service gave an answer that cannot be used. Please try again later.")


class UnsupportedLanguage(TranslationFailed):
    """The service does not translate between these two languages."""

    for_people = _("The translation service cannot translate this post into your language.")
    is_outage = False


class TextRefused(TranslationFailed):
    """The service does not take this text: it is too long, for example."""

    for_people = _("The translation service does not take this post.")
    is_outage = False


class TranslationOff(TranslationFailed):
    """The operator has chosen no translator."""

    for_people = _("Posts are not translated on this site.")
    is_outage = False


class ITranslator(Interface):
    """Translates texts by a service.

    Several threads call it at the same time. It makes no request before it is called, and keeps neither a
    session nor a text.
    """

    name = Attribute("Its name, as the ini file spells it.")
    title = Attribute("Its name for people, such as DeepL.")
    seconds = Attribute("After so many seconds nobody waits for an answer any longer.")

    def translate(text: str, source: str, target: str) -> str:
        """The text in the language `target`; both languages are BCP 47 tags such as `es` or `pt-BR`.

        Lines, links, `#tags` and `@nicknames` are kept (`microblog.translation.masking` helps). What is
        returned is a text, in which nothing is markup. Called outside of any transaction.

        :raises TranslationFailed: one of its subclasses; no other exception, if the service misbehaves.
        """

    def check() -> str:
        """Ask the service whether it would work, at no cost; a sentence about it. For `microblog doctor`.

        :raises TranslationFailed: when it would not.
        """


class ITranslatorSettings(Interface):
    """For a translator that has settings of its own."""

    SETTINGS = Attribute("A tuple of `microblog.settings.Setting`.")

    def configure(settings: Settings) -> None:
        """Called once, before anything else. Makes no request.

        :raises ValueError: with the end of a sentence when the translator cannot work with these settings.
        """


def get_translator(registry: Registry) -> ITranslator:
    """The translator of this site."""
    found: ITranslator = registry.getUtility(ITranslator)
    return found
