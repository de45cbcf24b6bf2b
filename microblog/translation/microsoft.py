"""Microsoft Translator, version 3 (https://learn.microsoft.com/azure/ai-services/translator)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from zope.interface import implementer

from microblog.settings import Setting, Settings
from microblog.translation.client import Answer, JsonClient, find, read_failure
from microblog.translation.interfaces import (
    BrokenAnswer,
    ITranslator,
    ITranslatorSettings,
    QuotaUsedUp,
    TranslationFailed,
    UnsupportedLanguage,
)
from microblog.translation.languages import NORWEGIAN, parse_tag
from microblog.translation.masking import HTML, MaskedText
from microblog.translation.settings import (
    SECONDS,
    parse_timeout,
    require_key,
    require_safe_url,
    secret_key,
    service_url,
)

URL = Setting(
    "microblog.translator.microsoft.url",
    service_url,
    "https://api.cognitive.microsofttranslator.com",
    "The address of the API; that of a region, such as https://api-eur.cognitive.microsofttranslator.com, "
    "keeps the texts there.",
)
KEY = Setting(
    "microblog.translator.microsoft.key", secret_key, None, "A key of the Translator resource.", secret=True
)
REGION = Setting(
    "microblog.translator.microsoft.region",
    secret_key,
    None,
    "The region of the resource, such as westeurope; a global one has none.",
)
TIMEOUT = Setting(
    "microblog.translator.microsoft.timeout",
    parse_timeout,
    SECONDS,
    "Seconds that a translation by Microsoft may take.",
)

MOST_TEXTS = 100
MOST_CHARACTERS = 10_000
VERSION = "3.0"
FREE_QUOTA_EXCEEDED = 403001
# A language is missing or not supported, or not in this combination.
LANGUAGE_CODES = frozenset({400003, 400006, 400018, 400019, 400023, 400035, 400036, 400075})


@implementer(ITranslator, ITranslatorSettings)
class MicrosoftTranslator:
    """`microblog.translator = microsoft`"""

    name = "microsoft"
    title = "Microsoft Translator"
    SETTINGS = (URL, KEY, REGION, TIMEOUT)

    def configure(self, settings: Settings) -> None:
        headers = {"Ocp-Apim-Subscription-Key": require_key(settings, KEY)}
        require_safe_url(settings[URL])
        region = settings[REGION]
        if region:
            headers["Ocp-Apim-Subscription-Region"] = region
        self.seconds = settings[TIMEOUT]
        self._client = JsonClient(settings[URL], headers, self.seconds, read_problem)

    def translate(self, text: str, source: str, target: str) -> str:
        query = {"api-version": VERSION, "from": get_code(source), "to": get_code(target), "textType": "html"}

        def send(texts: list[str]) -> list[Any]:
            return self._send(f"/translate?{urlencode(query)}", texts)

        masked = MaskedText(text, HTML)
        return masked.translate(send, most_texts=MOST_TEXTS, most_characters=MOST_CHARACTERS)

    def _send(self, path: str, texts: list[str]) -> list[Any]:
        translations = self._client.post(path, [{"Text": text} for text in texts])
        if not isinstance(translations, list):
            raise BrokenAnswer("The service sent no list of translations.")
        return [find(item, "translations", 0, "text") for item in translations]

    def check(self) -> str:
        """Two letters are the least that proves the key: the list of languages is open to everybody."""
        self._send(f"/translate?{urlencode({'api-version': VERSION, 'from': 'en', 'to': 'es'})}", ["ok"])
        return "Microsoft Translator answers, and accepts the key."


def read_problem(answer: Answer) -> TranslationFailed:
    code, message = find(answer.data, "error", "code"), find(answer.data, "error", "message")
    failure = read_failure(answer, f"{code}: {message}" if code else None)
    if code == FREE_QUOTA_EXCEEDED:
        return QuotaUsedUp(str(failure), retry_after=answer.retry_after)
    return UnsupportedLanguage(str(failure)) if code in LANGUAGE_CODES else failure


def get_code(code: str) -> str:
    """What Microsoft calls this language."""
    tag = parse_tag(code)
    if tag.language == "zh":
        return "zh-Hant" if tag.is_traditional else "zh-Hans"
    if tag.language in NORWEGIAN:
        return "nb"
    if (tag.language, tag.territory) in (("pt", "PT"), ("fr", "CA")):
        return f"{tag.language}-{tag.territory.lower()}"
    if tag.language == "sr":
        return "sr-Latn" if tag.script == "Latn" else "sr-Cyrl"
    return tag.language
