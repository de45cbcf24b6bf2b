"""`make translations`: collects the texts for people, updates the catalogues, and says what is missing.

    python -m benchmarks.translations [LANGUAGE …]

A new LANGUAGE gets its folder. Nothing is guessed: a text that has changed waits for its translator.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po
from babel.plural import to_gettext

PACKAGE = Path(__file__).parents[1] / "microblog"
LOCALE = PACKAGE / "locale"
METHODS = [("**.py", "python"), ("**.jinja2", "jinja2")]
OPTIONS = {"**.jinja2": {"trimmed": "true", "newstyle_gettext": "true", "silent": "false"}}
# Which arguments are texts; "c" is what tells one text from another.
KEYWORDS: Any = {
    "_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "n_": (1, 2),
    "plural_forms": (1, 2),
    "pgettext": ((1, "c"), 2),
}
WIDTH = 110
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|%.")
TAG = re.compile(r"</?[a-z][^>]*>|&[a-z]+;")
NOT_SAID = {
    "%(count)s",
    "%(count)d",
    "%(number)s",
    "%(num)s",
}  # a form for one or two may have the number in words


def collect() -> Catalog:
    """All texts of templates and of Python, in the order of their files."""
    catalogue = Catalog(charset="utf-8")
    found = extract_from_dir(
        PACKAGE, METHODS, OPTIONS, keywords=KEYWORDS, comment_tags=("Translators:",), strip_comment_tags=True
    )
    for name, _line, texts, comments, context in sorted(found, key=lambda each: (each[0], each[1])):
        catalogue.add(texts, locations=[(f"microblog/{name}", 0)], auto_comments=comments, context=context)
    return catalogue


def list_languages() -> list[str]:
    return sorted(path.name for path in LOCALE.iterdir() if path.is_dir())


def get_file(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / "microblog.po"


def read(language: str) -> Catalog:
    file = get_file(language)
    if not file.exists():
        return make_catalogue(language)
    with file.open("rb") as stream:
        return read_po(stream, locale=language)


def update(language: str, texts: Catalog) -> str:
    """The catalogue with all texts and no others, as it is written to its file."""
    known = read(language)
    fresh = make_catalogue(language)
    for text in texts:
        if text.id:
            before = known.get(text.id, text.context)
            string: Any = before.string if before else ""
            fresh.add(
                text.id,
                string,
                locations=sorted(set(text.locations)),
                flags=before.flags if before else (),
                auto_comments=text.auto_comments,
                context=text.context,
            )
    stream = io.BytesIO()
    write_po(stream, fresh, width=WIDTH, omit_header=True, include_lineno=False)
    return make_header(language) + stream.getvalue().decode()


def get_plural_rule(language: str) -> str:
    """CLDR's, for the programs of translators; `e` is the exponent of 1c6, which no text of ours has."""
    return re.sub(r"\be\b", "0", to_gettext(Locale.parse(language).plural_form))


def make_catalogue(language: str) -> Catalog:
    catalogue = Catalog(locale=Locale.parse(language), charset="utf-8")
    catalogue.mime_headers = [("Plural-Forms", get_plural_rule(language))]
    return catalogue


def make_header(language: str) -> str:
    """Without dates, which would change with each run; with the plural rule of CLDR."""
    return (
        f'msgid ""\nmsgstr ""\n"Language: {language}\\n"\n"MIME-Version: 1.0\\n"\n'
        '"Content-Type: text/plain; charset=utf-8\\n"\n"Content-Transfer-Encoding: 8bit\\n"\n'
        f'"Plural-Forms: {get_plural_rule(language)}\\n"\n\n'
    )


def list_forms(text: Message) -> list[str]:
    string: Any = text.string
    return [string] if isinstance(string, str) else list(string or ())


def find_faults(language: str, texts: Catalog) -> Iterator[str]:
    """What is missing, unsure, stale, or says other values or marks than the text does."""
    known = read(language)
    for text in texts:
        if not text.id:
            continue
        found = known.get(text.id, text.context)
        name = f"{language}: {get_name(text)!r}"
        if found is None or not all(list_forms(found) or [""]):
            yield f"{name} is missing"
        elif found.fuzzy:
            yield f"{name} is fuzzy"
        else:
            yield from (f"{name}: {fault}" for fault in compare(text, list_forms(found)))
    for text in known:
        if text.id and texts.get(text.id, text.context) is None:
            yield f"{language}: {get_name(text)!r} is stale"
    for stale in known.obsolete.values():
        yield f"{language}: {get_name(stale)!r} is stale"


def get_name(text: Message) -> str:
    return text.id if isinstance(text.id, str) else text.id[0]


def compare(text: Message, forms: list[str]) -> Iterator[str]:
    originals = [text.id] if isinstance(text.id, str) else list(text.id)
    is_plural = len(originals) > 1
    wanted = find_values(originals[-1])
    for form in forms:
        difference = wanted ^ find_values(form)
        if difference - (NOT_SAID if is_plural else set()):
            yield f"{form!r} has other values: {sorted(difference)}"
        if is_plural and {"<strong>"} & set(TAG.findall(form)) != {"<strong>"} & set(
            TAG.findall(originals[-1])
        ):
            yield f"{form!r} has other marks"
        if not is_plural and sorted(TAG.findall(form)) != sorted(TAG.findall(originals[0])):
            yield f"{form!r} has other marks"


def find_values(text: str) -> set[str]:
    return {match[0] for match in PLACEHOLDER.finditer(text)}


def main(arguments: list[str]) -> int:
    texts = collect()
    missing = 0
    for language in arguments or list_languages():
        file = get_file(language)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(update(language, texts), encoding="utf-8")
        faults = list(find_faults(language, texts))
        print(f"{language}: {len(texts)} texts, {len(faults)} to look at")
        print("".join(f"  {fault}\n" for fault in faults), end="")
        missing += len(faults)
    return min(missing, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
