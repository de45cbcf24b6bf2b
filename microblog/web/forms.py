"""What all forms have in common: input is validated once, and an unknown field is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

from pyramid.httpexceptions import HTTPBadRequest
from webob.multidict import MultiDict
from wtforms import Form as WTForm
from wtforms.i18n import get_translations
from wtforms.validators import StopValidation, ValidationError

from microblog.i18n import _, join_sentences, n_
from microblog.request import Request
from microblog.texts import InvalidText, check_characters, check_graphemes

# Fields that every form may have: the CSRF token, the next page, the key by which a form that is sent twice
# is recognized, and the token of a kept form (microblog/submissions).
COMMON_FIELDS = frozenset({"csrf_token", "next", "key", "kept"})
# Random characters, and the id of the reader of the page (see `microblog.submissions.results`).
FORM_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}(?:\.(?P<owner>[0-9]{1,18}))?")
BROKEN = _("This form is broken. Open the page again.")
UNKNOWN_FIELDS_NAMED = 3


class FormTexts:
    """WTForms' own messages in the language of the page, which is asked for when there is one to show."""

    def __init__(self, request: Request) -> None:
        self._request = request

    def gettext(self, text: str) -> str:
        return load_texts_of_wtforms(self._request.locale.language).gettext(text)

    def ngettext(self, singular: str, plural: str, count: int) -> str:
        return load_texts_of_wtforms(self._request.locale.language).ngettext(singular, plural, count)


@lru_cache(maxsize=64)
def load_texts_of_wtforms(language: str) -> Any:
    return get_translations([language, "en"])


class Form(WTForm):
    """A form that refuses unknown fields, and files but for the fields that `takes_files` names.

    When a form that the person sent before was kept, its page shows it filled with that.
    """

    takes_files: frozenset[str] = frozenset()

    class Meta:
        def get_translations(self, form: Form) -> FormTexts:
            return FormTexts(form.request)

    def __init__(self, request: Request, **kwargs: Any) -> None:
        self.request = request
        typed: Sequence[tuple[str, str]] | None = None
        if request.method == "POST":
            typed = [(name, value) for name, value in request.POST.items() if isinstance(value, str)]
        elif request.kept_form is not None and request.kept_form.fields:
            typed = request.kept_form.fields
        super().__init__(None if typed is None else MultiDict(typed), **kwargs)

    def validate(self, extra_validators: Any = None) -> bool:
        """True when the form is valid; else the sentences are in the fields and in `form_errors`."""
        valid = bool(super().validate(extra_validators))
        known = COMMON_FIELDS.union(self._fields, self.takes_files)
        unknown = [name for name in dict.fromkeys(self.request.POST) if name not in known]
        for name in unknown[:UNKNOWN_FIELDS_NAMED]:
            self.form_errors.append(_("This form has no field called %(name)s.", name=repr(name[:50])))
        more = len(unknown) - UNKNOWN_FIELDS_NAMED
        if more > 0:
            self.form_errors.append(
                n_(
                    "Nor has it %(count)s other field that was sent.",
                    "Nor has it %(count)s other fields that were sent.",
                    more,
                )
            )
        # Browsers send a file field without a file as an empty text.
        files = {name for name, value in self.request.POST.items() if not isinstance(value, str)}
        if files - self.takes_files:
            self.form_errors.append(_("This form takes no files."))
        key = self.request.POST.get("key")
        if isinstance(key, str) and key and not FORM_KEY.fullmatch(key):
            self.form_errors.append(BROKEN)
        return valid and not self.form_errors

    def get_text(self, name: str) -> str:
        """The text of this field; "" when it is empty."""
        return self._fields[name].data or ""


def check_button(request: Request) -> None:
    """Validate a form that is only a button: it has no fields in which errors could be shown.

    :raises HTTPBadRequest: when it has a field that no page of ours has.
    """
    form = Form(request)
    if not form.validate():
        raise HTTPBadRequest(join_sentences(*form.form_errors))


class Rule:
    """A validator of a field: shows the sentence of `InvalidText` that `check(text)` raises.

    With `stop`, no further validator gets a text that is refused: they may take quadratic time, as Unicode
    normalization does.
    """

    def __init__(self, check: Callable[[str], None], *, stop: bool = False) -> None:
        self._check = check
        self._refusal = StopValidation if stop else ValidationError

    def __call__(self, form: Any, field: Any) -> None:
        try:
            self._check(field.data or "")
        except InvalidText as error:
            raise self._refusal(str(error)) from None


no_control_characters = Rule(check_characters)


class AtMost(Rule):
    """At most so many characters, as a reader counts them."""

    def __init__(self, most: int) -> None:
        super().__init__(partial(check_graphemes, most=most))
