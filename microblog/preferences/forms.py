"""The form of `/preferences`, made of the fields that packages have added."""

from __future__ import annotations

from typing import Any

from wtforms import Field
from wtforms.validators import ValidationError

from microblog.i18n import _
from microblog.preferences.fields import Preference
from microblog.request import Request
from microblog.web.forms import Form

NOT_IN_THE_LIST = _("Choose from the list.")


class ChoiceField(Field):
    """Some of the values that can be chosen. WTForms' own fields for this have names for labels that it is
    about to change, and our page draws them anyway."""

    data: list[str]

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = valuelist


class Offered:
    """A validator: each value is one that is offered, and of one choice there is one."""

    def __init__(self, values: frozenset[str], *, several: bool) -> None:
        self._values = values
        self._several = several

    def __call__(self, form: Any, field: Any) -> None:
        if not self._values.issuperset(field.data) or (len(field.data) > 1 and not self._several):
            raise ValidationError(NOT_IN_THE_LIST)


def make_field(request: Request, preference: Preference) -> Any:
    offered = frozenset(choice.value for choice in preference.list_choices(request))
    return ChoiceField(preference.label, [Offered(offered, several=preference.several)])


def make_form(request: Request) -> Form:
    """The form, filled with what is chosen now, or with what was sent."""
    fields = request.registry.preferences
    form = type(
        "PreferencesForm", (Form,), {name: make_field(request, each) for name, each in fields.items()}
    )
    made: Form = form(request, data={name: request.preferences.get(name, "").split() for name in fields})
    return made


def read_chosen(form: Form) -> dict[str, str]:
    """What was sent, as it is kept."""
    return {field.name: " ".join(field.data) for field in form}
