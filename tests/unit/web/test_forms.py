"""What all forms have in common."""

from __future__ import annotations

from importlib import import_module
from inspect import signature
from pkgutil import walk_packages
from types import SimpleNamespace
from typing import Any

import pytest
import regex
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st
from pyramid.httpexceptions import HTTPBadRequest
from webob import Request
from webob.multidict import MultiDict
from wtforms import BooleanField, HiddenField, StringField
from wtforms.validators import ValidationError

import microblog
from microblog.texts import CODE_POINTS_IN_A_GRAPHEME, split_graphemes, strip, to_unix_lines
from microblog.web.forms import AtMost, Form, check_button, no_control_characters
from tests.cost import MOST_SECONDS, cost_of


class NameForm(Form):
    name = StringField("Name", [no_control_characters, AtMost(3)], [strip])


def post(**fields):
    return Request.blank("/", POST=fields)


def refused(validator, text):
    try:
        validator(None, SimpleNamespace(data=text))
    except ValidationError as error:
        return str(error)
    return None


def test_a_get_fills_nothing_in():
    request: Any = Request.blank("/?name=x")
    request.kept_form = None
    form = NameForm(request, name="given")
    assert form.name.data == "given"


def test_a_right_form_is_valid():
    form = NameForm(post(name=" abc ", csrf_token="x", next="/"))
    assert form.validate()
    assert form.name.data == "abc"


def test_an_unknown_field_is_reported_once():
    request: Any = Request.blank("/", POST="name=a&is_admin=1&is_admin=2")
    form = NameForm(request)
    assert not form.validate()
    assert form.form_errors == ["This form has no field called 'is_admin'."]


def test_of_many_unknown_fields_a_few_are_named():
    form = NameForm(post(**{f"x{number}": "" for number in range(99)}))
    assert not form.validate()
    assert form.form_errors == [
        "This form has no field called 'x0'.",
        "This form has no field called 'x1'.",
        "This form has no field called 'x2'.",
        "Nor has it 96 other fields that were sent.",
    ]


def forms_of_the_site():
    for found in walk_packages(microblog.__path__, "microblog."):
        if found.name.endswith(".forms"):
            yield from vars(import_module(found.name)).values()


FORMS = {each for each in forms_of_the_site() if isinstance(each, type) and issubclass(each, Form)} - {Form}
UNIT_TEXTS = [
    "a\u0301\u0316",
    "\u0301\u0316",
    "é@a\u0301.",
    "a@b.",
    "<",
    ".",
    " ",
    "\u3000",
    "ﷺ",
    "ᄀ",
    "xn--a.",
    "🇩",
    "@",
    '"',
]


@pytest.mark.parametrize("unit", UNIT_TEXTS)
@pytest.mark.parametrize("form", sorted(FORMS, key=str), ids=lambda form: form.__name__)
def test_no_form_looks_long_at_a_long_text(form, unit):
    """Accents that are put in order take the square of their number: seven seconds for 200 kB."""
    for field in make_form(form, {}):
        text = (unit * 300_000)[:300_000]
        filled_in = make_form(form, {field.name: text})
        assert cost_of(filled_in.validate) < MOST_SECONDS, field.name
        may_be_blank = field.name == "language" and not unit.strip()
        # What a hidden field or a box sends is compared with what there is, whatever it is.
        is_typed = not isinstance(field, HiddenField | BooleanField)
        assert not filled_in.validate() or not is_typed or may_be_blank


# What views give to forms besides the request.
GIVEN = {
    "post_id": 1,
    "owner": SimpleNamespace(nickname="susan", email="susan@example.com"),
    "asks_for_rules": True,
    "reasons": ("spam",),
}


def make_form(form, fields):
    request: Any = Request.blank("/", method="POST")
    registry = SimpleNamespace(reserved_nicknames={"admin"})
    return form(
        SimpleNamespace(
            POST=MultiDict(fields),
            method=request.method,
            microblog=Defaults(),
            registry=registry,
            identity=None,
            locale=Locale("en"),
        ),
        **{name: given for name, given in GIVEN.items() if name in signature(form.__init__).parameters},
    )


class Defaults(dict[Any, Any]):
    """The settings of a site that sets none."""

    def __missing__(self, setting):
        return setting.default


def test_a_long_name_of_a_field_is_cut():
    form = NameForm(post(**{"x" * 1000: ""}))
    assert not form.validate()
    assert form.form_errors == [f"This form has no field called '{'x' * 50}'."]


def test_a_button_has_no_fields():
    check_button(post(csrf_token="x", next="/"))
    with pytest.raises(HTTPBadRequest, match="no field called 'user_id'"):
        check_button(post(user_id="1"))


@pytest.mark.parametrize(
    ("text", "number"), [("", 0), ("abc", 3), ("é", 1), ("e\u0301", 1), ("👩‍👩‍👧‍👦", 1), ("\r\n", 1)]
)
def test_a_grapheme_is_what_a_reader_counts(text, number):
    assert len(split_graphemes(text)) == number


PIECES = st.sampled_from(["🇩", "🇪", "a", "\u0301", "\u200d", "\u0600", "👨", "\r", "\n", "\u0903", "क्"])


@given(st.lists(PIECES, max_size=15).map("".join))
def test_graphemes_are_those_of_unicode(text):
    assert split_graphemes(text) == regex.findall(r"\X", text)


@pytest.mark.parametrize("unit", ["🇩", "\u0600🇩", "👨\u200d", "\u0301", "क्", "ᄀ", "\u200d🇩🇪🇫"])
def test_graphemes_are_found_in_no_time(unit):
    """Half of a million flags took minutes, where an operator allows long posts."""
    assert cost_of(lambda: split_graphemes((unit * 100_000)[:100_000])) < MOST_SECONDS


@given(st.text(), st.integers(0, 10))
def test_at_most_takes_what_is_short_enough_and_nothing_else(text, most):
    characters = split_graphemes(text)
    fits = len(characters) <= most and all(len(each) <= CODE_POINTS_IN_A_GRAPHEME for each in characters)
    assert (refused(AtMost(most), text) is None) == fits


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("abcd", "This is 1 character too long: at most 3 characters."),
        ("abcde", "This is 2 characters too long: at most 3 characters."),
        ("e" + "\u0301" * 48, "This is far too long: at most 3 characters."),
    ],
)
def test_a_text_that_is_too_long_is_refused_with_the_surplus(text, words):
    assert refused(AtMost(3), text) == words


def test_an_empty_text_is_never_too_long():
    assert refused(AtMost(0), None) is None
    assert refused(no_control_characters, None) is None


@pytest.mark.parametrize("text", ["\x00", "a\x07", "\x1b[31m", "\x7f", "\x85", "a\rb"])
def test_control_characters_are_refused(text):
    assert refused(no_control_characters, text)


@pytest.mark.parametrize("text", ["a\nb", "a\tb", "\u200d", "\u202e", "🙂", "\ue000", ""])
def test_other_characters_are_not(text):
    assert refused(no_control_characters, text) is None


@given(st.text(alphabet="a \r\n\t"))
def test_lines_end_with_lf_and_no_blanks_stand_around_them(text):
    lines = to_unix_lines(text)
    assert "\r" not in lines
    assert lines == lines.strip() == to_unix_lines(lines)


def test_nothing_becomes_an_empty_text():
    assert strip(None) == to_unix_lines(None) == ""
