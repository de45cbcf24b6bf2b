"""What can be preferred: each is a field of the page, and its value one of some short texts, or several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import available_timezones

from babel import Locale, UnknownLocaleError

from microblog.i18n import _
from microblog.request import Request
from microblog.web.colors import PREFERENCE as COLORS

# What many people write, and a site has words for; other packages add theirs.
LANGUAGES_TO_READ = (
    *("ar", "bn", "ca", "cs", "da", "de", "el", "en", "es", "eu", "fa", "fi", "fr", "gl", "he", "hi", "hu"),
    *("id", "it", "ja", "ko", "nb", "nl", "pl", "pt", "ro", "ru", "sv", "th", "tr", "uk", "ur", "vi", "zh"),
)
NOT_PLACES = ("Etc/", "SystemV/", "US/", "posix/", "right/")  # other names of the same zones


class Choice(NamedTuple):
    """`lang` is the language of the label, when it is not that of the page."""

    value: str
    label: str
    lang: str | None = None


@dataclass(frozen=True, kw_only=True)
class Preference:
    """A field of the page. `list_choices(request)` is what can be chosen; of one choice, the first has the
    value "", which keeps nothing. Of `several`, the values are kept with spaces between them."""

    name: str
    label: str
    list_choices: Callable[[Request], Sequence[Choice]]
    hint: str = ""
    several: bool = False


def add_preference(config: Any, preference: Preference) -> None:
    """Directive: a field of `/preferences`; `request.preferences` has its value."""
    config.action(
        ("preference", preference.name),
        config.registry.preferences.__setitem__,
        args=(preference.name, preference),
    )


def add_languages_to_read(config: Any, *codes: str) -> None:
    """Directive: languages that somebody may read, by their codes (ISO 639)."""
    config.action(None, config.registry.languages_to_read.update, args=(codes,))


AS_THE_BROWSER = _("As my browser says")


def list_languages(request: Request) -> list[Choice]:
    languages = request.registry.languages.values()
    offered = [Choice(each.tag, each.name, each.tag) for each in languages if each.is_offered]
    return [Choice("", AS_THE_BROWSER), *offered]


def list_colors(request: Request) -> list[Choice]:
    schemes = request.registry.color_schemes.values()
    return [Choice("", AS_THE_BROWSER), *(Choice(each.name, each.label) for each in schemes)]


@lru_cache(maxsize=1)
def list_zone_names() -> tuple[str, ...]:
    """Those of places, as the database of time zones names them, and UTC."""
    places = (name for name in available_timezones() if "/" in name and not name.startswith(NOT_PLACES))
    return ("UTC", *sorted(places))


def list_time_zones(request: Request) -> list[Choice]:
    return [Choice("", AS_THE_BROWSER), *(Choice(name, name.replace("_", " ")) for name in list_zone_names())]


def list_languages_to_read(request: Request) -> list[Choice]:
    own = request.locale.language
    named = (name_language(code) for code in sorted(request.registry.languages_to_read - {own}))
    return [choice for choice in named if choice is not None]


@lru_cache(maxsize=256)
def name_language(code: str) -> Choice | None:
    """By its own name; None when Unicode's list of names (CLDR) has none."""
    try:
        name = Locale(code).get_display_name()
    except UnknownLocaleError:
        name = None
    return Choice(code, name[0].upper() + name[1:], code) if name else None


PREFERENCES = (
    Preference(
        name="language",
        label=_("Language"),
        hint=_("Of the pages. Posts stay as they were written."),
        list_choices=list_languages,
    ),
    Preference(name=COLORS, label=_("Colours"), list_choices=list_colors),
    Preference(
        name="time_zone",
        label=_("Time zone"),
        hint=_("In which times are shown."),
        list_choices=list_time_zones,
    ),
    Preference(
        name="read",
        label=_("Languages that you read"),
        hint=_("Besides that of the pages."),
        list_choices=list_languages_to_read,
        several=True,
    ),
)
