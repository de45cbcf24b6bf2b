"""Texts for people in their languages (ADR 0038).

`_("…")` marks a text of Python, and gives a `Message`: its English text, which remembers what it was made of.
Pages show it by `request.translate(message)`; the log and the command line get the English text.
Catalogues are the files `LANGUAGE/LC_MESSAGES/*.po` of `microblog/locale/`, and of the folders that
`config.add_translations` names. One is read when its language is first asked for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, lru_cache, partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.numbers import format_decimal
from markupsafe import Markup

from microblog.settings import Setting

LOCALE_FOLDER = Path(__file__).with_name("locale")
CATALOGUES = "LC_MESSAGES/*.po"
SOURCE = "en"  # the language of the texts in templates and in Python
MOST_MARKUPS = 4_096  # kept of a language, ready for templates
MOST_SAMPLES = 200  # numbers, among which there is one of each kind in every language

IN_CONTEXT = "\x04"  # between a context and its text, as in compiled catalogues

KINDS = ("zero", "one", "two", "few", "many", "other")  # of numbers

Forms = str | tuple[str, ...]


class Number(int):
    """A number in a text: `%(count)s` shows it as the language writes numbers, `%(id)d` by its digits."""

    format: Callable[[int], str]

    def __new__(cls, value: int, format: Callable[[int], str]) -> Number:
        self = super().__new__(cls, value)
        self.format = format
        return self

    def __str__(self) -> str:
        return self.format(int(self))


def format_in_english(number: int) -> str:
    return f"{number:,}"


def with_numbers(values: Mapping[str, Any], format: Callable[[int], str]) -> dict[str, Any]:
    return {name: Number(value, format) if type(value) is int else value for name, value in values.items()}


def parse_locale(tag: str) -> Locale | None:
    """The locale of a tag (`pt-BR`); None when CLDR knows no such language."""
    try:
        return Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError):
        return None


class Message(str):
    """A text for people: its value is English, and `msgid`, `plural` and `values` are what it was made of."""

    __slots__ = ("msgid", "plural", "values")

    msgid: str
    plural: str | None
    values: Mapping[str, Any]

    def __new__(cls, msgid: str, plural: str | None, values: Mapping[str, Any]) -> Message:
        chosen = msgid if plural is None or values["count"] == 1 else plural
        self = super().__new__(cls, chosen % with_numbers(values, format_in_english))
        self.msgid, self.plural, self.values = msgid, plural, values
        return self

    def __str__(self) -> str:
        """Itself: `str(error)` of an exception that was raised with a message is still a message."""
        return self

    def __reduce__(self) -> Any:
        return Message, (self.msgid, self.plural, self.values)


def _(msgid: str, /, **values: Any) -> Message:
    """A text for people, with its values: `_("No such person: %(nickname)s.", nickname=nickname)`."""
    return Message(msgid, None, values)


def n_(singular: str, plural: str, count: int, /, **values: Any) -> Message:
    """A text that depends on a number, which is its value `count`: `n_("One post", "%(count)d posts", 3)`."""
    return Message(singular, plural, {"count": count, **values})


def join_sentences(*sentences: str) -> Message:
    """Whole sentences, one after another; each is translated by itself."""
    values = {f"sentence{number}": sentence for number, sentence in enumerate(sentences)}
    return Message(" ".join(f"%({name})s" for name in values), None, values)


class Catalogue:
    """The texts of one language."""

    def __init__(
        self,
        texts: Mapping[str, Forms] = {},
        find_form: Callable[[int], int] = lambda count: int(count != 1),
        format_number: Callable[[int], str] = format_in_english,
    ) -> None:
        self._texts = texts
        self._format_number = format_number
        self._find_form = find_form
        self.get_markup = lru_cache(MOST_MARKUPS)(self._get_markup)

    def find(self, msgid: str) -> str:
        """The translation of a text, or the text itself."""
        found = self._texts.get(msgid, msgid)
        return found if isinstance(found, str) else found[0]

    def find_in_context(self, context: str, msgid: str) -> str:
        """The translation of a text that is another one elsewhere: "Post" on a button."""
        found = self._texts.get(f"{context}{IN_CONTEXT}{msgid}", msgid)
        return found if isinstance(found, str) else found[0]

    def find_plural(self, singular: str, plural: str, count: int) -> str:
        """The form for this number of the translation, or of the text itself."""
        found = self._texts.get(singular)
        if isinstance(found, tuple):
            return found[self._find_form(abs(count))]
        return singular if count == 1 else plural

    def translate(self, text: str) -> str:
        """The translation of a message. Any other text is what it is."""
        if not isinstance(text, Message):
            return text
        values: dict[str, Any] = {
            name: self.translate(value) if isinstance(value, str) else value
            for name, value in with_numbers(text.values, self._format_number).items()
        }
        if text.plural is None:
            return self.find(text.msgid) % values
        return self.find_plural(text.msgid, text.plural, values["count"]) % values

    def _get_markup(self, msgid: str) -> tuple[Markup, Markup]:
        """For templates: a text as a pattern, and as it is without values."""
        pattern = Markup(self.find(msgid))  # noqa: S704  # catalogues are a part of the program
        return pattern, (pattern % {} if "%(" not in pattern else pattern)

    def gettext(self, msgid: str, /, **values: Any) -> Markup:
        """`{{ _('…') }}` and `{% trans %}` of templates."""
        pattern, plain = self.get_markup(msgid)
        return pattern % values if values else plain

    def pgettext(self, context: str, msgid: str, /, **values: Any) -> Markup:
        """`{{ pgettext('button', 'Post') }}` of templates."""
        return Markup(self.find_in_context(context, msgid)) % values  # noqa: S704  # as above

    def ngettext(self, singular: str, plural: str, num: int, /, **values: Any) -> Markup:
        """`{% pluralize %}` of templates."""
        values.setdefault("num", num)
        return Markup(self.find_plural(singular, plural, num)) % values  # noqa: S704  # as above


class Language:
    """A language of the pages. `tag` is its name in HTML and HTTP: `de`, `pt-BR`.

    One that is not offered is no choice of `/preferences`: it is for tests.
    """

    def __init__(
        self,
        locale: Locale,
        folders: Iterable[Path],
        *,
        tag: str = "",
        catalogue: Catalogue | None = None,
        is_offered: bool = True,
    ) -> None:
        self.locale = locale
        self.tag = tag or str(locale).replace("_", "-")
        self.direction: str = locale.text_direction
        self.is_offered = is_offered
        self._folders = folders
        self._catalogue = catalogue

    @cached_property
    def catalogue(self) -> Catalogue:
        return self._catalogue or read_catalogue(self.locale, self._folders)

    @lru_cache(maxsize=64)  # noqa: B019  # there are few languages, and they stay
    def list_forms(self, singular: str, plural: str) -> str:
        """JSON of a text for each kind of number ("one", "few", …), with "{n}" for it, for the script."""
        samples: dict[str, int] = {}
        for count in range(MOST_SAMPLES):
            samples.setdefault(self.locale.plural_form(count), count)
        values = {"count": "{n}"}
        return json.dumps(
            {
                kind: self.catalogue.find_plural(singular, plural, count) % values
                for kind, count in samples.items()
            },
            ensure_ascii=False,
        )

    @property
    def name(self) -> str:
        """What it is called by those who speak it."""
        name = self.locale.get_display_name() or self.tag
        return name[0].upper() + name[1:]


def read_catalogue(locale: Locale, folders: Iterable[Path]) -> Catalogue:
    """The texts of all these folders; a later one may say it better."""
    from babel.messages.pofile import read_po  # of what commands import, it would be the slowest

    texts: dict[str, Forms] = {}
    for file in sorted_files(locale, folders):
        with file.open("rb") as stream:
            read = read_po(stream, locale=locale)
        for message in read:
            forms: Any = message.string
            is_complete = bool(forms) if isinstance(forms, str) else all(forms)
            if message.id and is_complete and not message.fuzzy:
                msgid = message.id if isinstance(message.id, str) else message.id[0]
                texts[f"{message.context}{IN_CONTEXT}{msgid}" if message.context else msgid] = forms
    return Catalogue(texts, make_plural_rule(locale), partial(format_decimal, locale=locale))


def make_plural_rule(locale: Locale) -> Callable[[int], int]:
    """Which form of a text is for a number, by CLDR; catalogues have them in the order of `KINDS`."""
    rule = locale.plural_form
    kinds = [kind for kind in KINDS if kind in rule.tags or kind == KINDS[-1]]
    return lambda count: kinds.index(rule(count))


def sorted_files(locale: Locale, folders: Iterable[Path]) -> list[Path]:
    return [file for folder in folders for file in sorted((folder / str(locale)).glob(CATALOGUES))]


class Languages(dict[str, Language]):
    """The languages of the pages by their tags, English first."""

    def __init__(self) -> None:
        self.folders = [LOCALE_FOLDER]
        super().__init__(
            (language.tag, language)
            for language in (Language(Locale.parse(name), self.folders) for name in list_locale_names())
        )

    def add(self, language: Language) -> None:
        self[language.tag] = language


def list_locale_names() -> list[str]:
    """The names of the folders of `microblog/locale/`, and English."""
    found = {file.parents[1].name for file in LOCALE_FOLDER.glob(f"*/{CATALOGUES}")}
    return [SOURCE, *sorted(found - {SOURCE})]


def language_tag(value: str) -> str:
    tags = {name.replace("_", "-").lower(): name.replace("_", "-") for name in list_locale_names()}
    try:
        return tags[value.replace("_", "-").lower()]
    except KeyError:
        raise ValueError(f"must be one of {', '.join(tags.values())}") from None


LANGUAGE = Setting(
    "microblog.language",
    language_tag,
    SOURCE,
    "The language of pages for those who have chosen none, and whose browser asks for none of ours.",
)


def add_translations(config: Any, folder: str) -> None:
    """Directive: this folder has catalogues, too: `config.add_translations("their.package:locale")`."""
    package, _colon, name = folder.rpartition(":")
    path = Path(str(files(package))) / name if package else Path(name)
    config.action(("translations", str(path)), config.registry.languages.folders.append, args=(path,))


def add_language(config: Any, language: Language) -> None:
    """Directive: a language that is no folder of `microblog/locale/`."""
    config.action(("language", language.tag), config.registry.languages.add, args=(language,))


def includeme(config: Any) -> None:
    config.declare_settings(LANGUAGE)
    config.registry.languages = Languages()
    config.add_directive("add_translations", add_translations)
    config.add_directive("add_language", add_language)
