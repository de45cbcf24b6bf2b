"""What all forms have in common: input is validated once, and an unknown field is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from pyramid.httpexceptions import HTTPBadRequest
from webob.multidict import MultiDict
from wtforms import Form as WTForm
from wtforms.validators import StopValidation, ValidationError

from microblog.request import Request
from microblog.texts import InvalidText, check_characters, check_graphemes

# Fields that every form may have: the CSRF token, the next page, the key by which a form that is sent twice
# is recognized, and the token of a kept form (microblog/submissions).
COMMON_FIELDS = frozenset({"csrf_token", "next", "key", "kept"})
# Random characters, and the id of the reader of the page (see `microblog.submissions.results`).
FORM_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}(?:\.(?P<owner>[0-9]{1,18}))?")
BROKEN = "This form is broken. Open the page again."
UNKNOWN_FIELDS_NAMED = 3


class Form(WTForm):
    """A form that refuses unknown fields and files.

    When a form that the person sent before was kept, its page shows it filled with that.
    """

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
        known = COMMON_FIELDS.union(self._fields)
        unknown = [name for name in dict.fromkeys(self.request.POST) if name not in known]
        for name in unknown[:UNKNOWN_FIELDS_NAMED]:
            self.form_errors.append(f"This form has no field called {name[:50]!r}.")
        more = len(unknown) - UNKNOWN_FIELDS_NAMED
        if more > 0:
            self.form_errors.append(f"Nor has it {more} other fields that were sent.")
        if not all(isinstance(value, str) for value in self.request.POST.values()):
            self.form_errors.append("This form takes no files.")
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
        raise HTTPBadRequest(" ".join(form.form_errors))


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
