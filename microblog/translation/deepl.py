"""DeepL (https://developers.deepl.com)."""

from __future__ import annotations

from typing import Any

from zope.interface import implementer

from microblog.settings import Setting, Settings, optional_text
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
from microblog.translation.masking import XML, MaskedText
from microblog.translation.settings import (
    SECONDS,
    parse_timeout,
    require_key,
    require_safe_url,
    secret_key,
    service_url,
)

URL = Setting(
    "microblog.translator.deepl.url",
    lambda value: service_url(value) if value else optional_text(value),
    None,
    "The address of the API; usually DeepL's own, which the key tells.",
)
KEY = Setting(
    "microblog.translator.deepl.key", secret_key, None, "The authentication key of DeepL's API.", secret=True
)
TIMEOUT = Setting(
    "microblog.translator.deepl.timeout",
    parse_timeout,
    SECONDS,
    "Seconds that a translation by DeepL may take.",
)

FREE_KEY = ":fx"  # the end of keys for the free API
FREE_URL, PAID_URL = "https://api-free.deepl.com", "https://api.deepl.com"
MOST_TEXTS = 50
MOST_CHARACTERS = 20_000  # of the 128 KiB of a request, where one may take six bytes
QUOTA_EXCEEDED = 456
LANGUAGE_FIELDS = ("target_lang", "source_lang")
VARIANTS = {
    ("en", "GB"): "EN-GB",
    ("en", ""): "EN-US",
    ("en", "US"): "EN-US",
    ("pt", "BR"): "PT-BR",
    ("pt", ""): "PT-PT",
    ("pt", "PT"): "PT-PT",
}


@implementer(ITranslator, ITranslatorSettings)
class DeepL:
    """`microblog.translator = deepl`"""

    name = "deepl"
    title = "DeepL"
    SETTINGS = (URL, KEY, TIMEOUT)

    def configure(self, settings: Settings) -> None:
        key = require_key(settings, KEY)
        self.url = settings[URL] or (FREE_URL if key.endswith(FREE_KEY) else PAID_URL)
        require_safe_url(self.url)
        self.seconds = settings[TIMEOUT]
        self._client = JsonClient(
            self.url, {"Authorization": f"DeepL-Auth-Key {key}"}, self.seconds, read_problem
        )

    def translate(self, text: str, source: str, target: str) -> str:
        def send(texts: list[str]) -> list[Any]:
            return self._send(texts, get_source(source), get_target(target))

        masked = MaskedText(text, XML)
        return masked.translate(send, most_texts=MOST_TEXTS, most_characters=MOST_CHARACTERS)

    def _send(self, texts: list[str], source: str, target: str) -> list[Any]:
        body = {
            "text": texts,
            "source_lang": source,
            "target_lang": target,
            "tag_handling": "xml",
            "tag_handling_version": "v2",
            "ignore_tags": [XML.element],
            "outline_detection": False,  # our tags are words of a sentence, not paragraphs
            "split_sentences": "nonewlines",
            "preserve_formatting": True,
        }
        translations = find(self._client.post("/v2/translate", body), "translations")
        if not isinstance(translations, list):
            raise BrokenAnswer("The service sent no translations.")
        return [find(translation, "text") for translation in translations]

    def check(self) -> str:
        usage = self._client.get("/v2/usage")
        used, limit = find(usage, "character_count"), find(usage, "character_limit")
        if not isinstance(used, int) or not isinstance(limit, int):
            raise BrokenAnswer("The service sent no usage.")
        if used >= limit:
            raise QuotaUsedUp(f"All {limit:,} characters are used up.")
        return f"DeepL answers; {used:,} of {limit:,} characters are used."


def read_problem(answer: Answer) -> TranslationFailed:
    message = find(answer.data, "message")
    failure = read_failure(answer, message)
    if answer.status == QUOTA_EXCEEDED:
        return QuotaUsedUp(str(failure), retry_after=answer.retry_after)
    if answer.status == 400 and any(field in str(message) for field in LANGUAGE_FIELDS):
        return UnsupportedLanguage(str(failure))
    return failure


def get_source(code: str) -> str:
    """What DeepL calls the language of a text: it tells no variants apart."""
    language = parse_tag(code).language
    return "NB" if language in NORWEGIAN else language.upper()


def get_target(code: str) -> str:
    """What DeepL calls the language to translate into."""
    tag = parse_tag(code)
    if tag.language == "zh":
        return "ZH-HANT" if tag.is_traditional else "ZH-HANS"
    return VARIANTS.get((tag.language, tag.territory)) or VARIANTS.get((tag.language, "")) or get_source(code)
