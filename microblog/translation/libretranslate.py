"""LibreTranslate, a free service that one can run oneself (https://docs.libretranslate.com)."""

from __future__ import annotations

from typing import Any

from zope.interface import implementer

from microblog.settings import Setting, Settings
from microblog.translation.client import Answer, JsonClient, find, read_failure
from microblog.translation.interfaces import (
    BrokenAnswer,
    ITranslator,
    ITranslatorSettings,
    TranslationFailed,
    TranslatorRefused,
    UnsupportedLanguage,
)
from microblog.translation.languages import NORWEGIAN, parse_tag
from microblog.translation.masking import UNESCAPED_HTML, MaskedText
from microblog.translation.settings import SECONDS, parse_timeout, secret_key, service_url

URL = Setting(
    "microblog.translator.libretranslate.url",
    service_url,
    "http://127.0.0.1:5000",
    "The address of LibreTranslate.",
)
KEY = Setting(
    "microblog.translator.libretranslate.key",
    secret_key,
    None,
    "An API key, if that server asks for one.",
    secret=True,
)
TIMEOUT = Setting(
    "microblog.translator.libretranslate.timeout",
    parse_timeout,
    SECONDS,
    "Seconds that a translation by LibreTranslate may take.",
)

MOST_TEXTS = 50
MOST_CHARACTERS = 5_000  # a usual limit of a server
# It has no codes of errors. Its sentences may be translated, but not for a client that names no language.
LANGUAGE_IS_MISSING = ("is not supported", "is not available as a target language")
KEY_IS_MISSING = "API key"


@implementer(ITranslator, ITranslatorSettings)
class LibreTranslate:
    """`microblog.translator = libretranslate`"""

    name = "libretranslate"
    title = "LibreTranslate"
    SETTINGS = (URL, KEY, TIMEOUT)

    def configure(self, settings: Settings) -> None:
        self.seconds = settings[TIMEOUT]
        self._key = settings[KEY]
        self._client = JsonClient(settings[URL], {}, self.seconds, read_problem)

    def translate(self, text: str, source: str, target: str) -> str:
        def send(texts: list[str]) -> list[Any]:
            body = {"q": texts, "source": get_code(source), "target": get_code(target), "format": "html"}
            return self._send({**body, "api_key": self._key} if self._key else body)

        masked = MaskedText(text, UNESCAPED_HTML)
        return masked.translate(send, most_texts=MOST_TEXTS, most_characters=MOST_CHARACTERS)

    def _send(self, body: dict[str, Any]) -> list[Any]:
        translated = find(self._client.post("/translate", body), "translatedText")
        if not isinstance(translated, list):
            raise BrokenAnswer("The service sent no translatedText.")
        return translated

    def check(self) -> str:
        languages = self._client.get("/languages")
        if not isinstance(languages, list):
            raise BrokenAnswer("The service sent no list of languages.")
        return f"LibreTranslate answers, and knows {len(languages)} languages."


def read_problem(answer: Answer) -> TranslationFailed:
    message = find(answer.data, "error")
    if answer.status == 400 and isinstance(message, str):
        if any(words in message for words in LANGUAGE_IS_MISSING):
            return UnsupportedLanguage(str(read_failure(answer, message)))
        if KEY_IS_MISSING in message:
            return TranslatorRefused(str(read_failure(answer, message)))
    return read_failure(answer, message)


def get_code(code: str) -> str:
    """What LibreTranslate calls this language."""
    tag = parse_tag(code)
    if tag.language == "zh":
        return "zh-Hant" if tag.is_traditional else "zh-Hans"
    if tag.language in NORWEGIAN:
        return "nb"
    return "pt-BR" if (tag.language, tag.territory) == ("pt", "BR") else tag.language
