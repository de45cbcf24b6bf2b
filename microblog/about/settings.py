"""Settings of this package."""

from __future__ import annotations

from microblog.i18n import parse_locale
from microblog.settings import Setting, optional_path


def language_tag(value: str) -> str:
    if parse_locale(value) is None:
        raise ValueError("must be the code of a language, such as en or pt-BR")
    return value


PAGES_FOLDER = Setting(
    "microblog.pages",
    optional_path,
    None,
    "Folder with the operator's texts for /about, /help, /privacy, /terms and /rules, in Markdown: about.md, "
    "and about.es.md for Spanish. Who signs up agrees to the rules, if there are any.",
)
PAGES_LANGUAGE = Setting(
    "microblog.pages.language",
    language_tag,
    "en",
    "The language of those texts whose names do not say one, such as about.md.",
)
SETTINGS = (PAGES_FOLDER, PAGES_LANGUAGE)
