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

# Fields of every form that are none of its own: who may send it, where to go on, what makes it the same form
# when it comes twice, and what it was filled with (microblog/submissions).
COMMON_FIELDS = frozenset({"csrf_token", "next", "key", "kept"})
# Random characters, and the id of whoever the page was made for (see `microblog.submissions.results`).
FORM_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}(?:\.(?P<owner>[0-9]{1,18}))?")
BROKEN = "This form is broken. Open the page again."
UNKNOWN_FIELDS_NAMED = 3


class Form(WTForm):
    """A form that says so when it gets a field which it does not know, or one that holds a NUL.

    On the page that shows it, it is filled with what its person sent before, when that was kept.
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
        """True when everything is right; else the sentences are in the fields and `form_errors`."""
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

    def text(self, name: str) -> str:
        """What was typed in this field; empty when nothing was."""
        return self._fields[name].data or ""


def check_button(request: Request) -> None:
    """A form that is only a button has nothing to fill in, so there is no form to give back.

    :raises HTTPBadRequest: when it brings a field that no page of ours has.
    """
    form = Form(request)
    if not form.validate():
        raise HTTPBadRequest(" ".join(form.form_errors))


class Rule:
    """A validator of a field: what `check(text)` refuses is shown with its sentence.

    With `stop`, a text that it refuses is shown to no other validator: what they do may take the square of
    the length, as putting accents in order does.
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
