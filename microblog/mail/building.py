"""Builds mails from the templates of their kind, in the language of their reader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from jinja2 import Environment
from pyramid_jinja2 import IJinja2Environment

from microblog.i18n import LANGUAGE, Catalogue, Language
from microblog.mail.kinds import MailKind
from microblog.mail.links import make_unsubscribe_url, make_url
from microblog.mail.messages import LONGEST_SUBJECT, make_message_id, to_one_line
from microblog.request import Registry
from microblog.settings import Settings
from microblog.web.pages import SITE_NAME


@dataclass(frozen=True, slots=True)
class BuiltMail:
    """The texts of a mail, and its Message-ID."""

    subject: str
    text: str
    html: str
    message_id: str


@dataclass(frozen=True, slots=True)
class Templates:
    """Two environments of Jinja: what is shown in HTML is escaped, what is text is not."""

    html: Environment
    text: Environment


def build_mail(
    templates: Templates,
    kind: MailKind,
    language: Language,
    values: Mapping[str, Any],
    settings: Settings,
    *,
    user_id: int | None,
) -> BuiltMail:
    """The mail of this kind with these values. Asks nothing but the templates.

    Besides `values` they have `url(…segments)`, `site_name`, `language`, and `unsubscribe_url`, which is None
    for a kind that nobody can switch off.
    """
    unsubscribe_url = None
    if kind.is_switchable and user_id is not None:
        unsubscribe_url = make_unsubscribe_url(settings, user_id, kind.name)
    known = {
        **values,
        "site_name": settings[SITE_NAME],
        "url": partial(make_url, settings),
        "language": language,
        "unsubscribe_url": unsubscribe_url,
    }
    of_text, of_html = list_text_functions(language.catalogue), list_html_functions(language.catalogue)

    def render(environment: Environment, name: str, functions: Mapping[str, Any]) -> str:
        text = environment.get_template(f"{kind.folder}/{name}.jinja2").render(**known, **functions)
        return text.replace("\0", "")  # which PostgreSQL does not store

    return BuiltMail(
        subject=to_one_line(render(templates.text, "subject", of_text), LONGEST_SUBJECT),
        text=f"{render(templates.text, 'text', of_text).strip()}\n",
        html=render(templates.html, "html", of_html),
        message_id=make_message_id(settings),
    )


def list_html_functions(catalogue: Catalogue) -> dict[str, Any]:
    return {
        "_": catalogue.gettext,
        "gettext": catalogue.gettext,
        "ngettext": catalogue.ngettext,
        "pgettext": catalogue.pgettext,
        "translate": catalogue.translate,
    }


def list_text_functions(catalogue: Catalogue) -> dict[str, Any]:
    """As those of HTML, but their values are as they are."""

    def gettext(msgid: str, /, **values: Any) -> str:
        return catalogue.find(msgid) % values

    def ngettext(singular: str, plural: str, num: int, /, **values: Any) -> str:
        return catalogue.find_plural(singular, plural, num) % {"num": num, **values}

    def pgettext(context: str, msgid: str, /, **values: Any) -> str:
        return catalogue.find_in_context(context, msgid) % values

    return {
        "_": gettext,
        "gettext": gettext,
        "ngettext": ngettext,
        "pgettext": pgettext,
        "translate": catalogue.translate,
    }


class MailBuilder:
    """`registry.mail_builder`: builds mails with the templates, languages and settings of the site."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    @cached_property
    def templates(self) -> Templates:
        found: Any = self._registry.getUtility(IJinja2Environment, name=".jinja2")
        # Not a cache of both: what is compiled for text escapes nothing.
        return Templates(found, found.overlay(autoescape=False, bytecode_cache=None))

    def get_language(self, tag: str) -> Language:
        """The language of this tag, or that of the site."""
        languages = self._registry.languages
        return languages.get(tag) or languages[self._registry.microblog[LANGUAGE]]

    def build(self, kind: MailKind, tag: str, values: Mapping[str, Any], *, user_id: int | None) -> BuiltMail:
        settings = self._registry.microblog
        return build_mail(self.templates, kind, self.get_language(tag), values, settings, user_id=user_id)
