"""Nothing that people read is missing in a language, stale, or a literal (`docs/translating.md`)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from jinja2 import Environment, nodes

from benchmarks import translations

PACKAGE = translations.PACKAGE
TEMPLATES = sorted(PACKAGE.rglob("*.jinja2"))
MODULES = sorted(
    path
    for path in PACKAGE.rglob("*.py")
    if not {"commands", "migrations"}.intersection((*path.parts, path.stem))
)
WORD = re.compile(r"[^\W\d_]{2,}")
SENTENCE = re.compile(r"^[A-Z][a-z]+")
ATTRIBUTE = re.compile(r'\s[a-z-]+="[^"]*"')
FOR_MACHINES = re.compile(r"\{% block kind %\}.*?\{% endblock %\}", re.S)
SAME_EVERYWHERE = {"ms", "SQL", "UTC", "required"}
TRANSLATED = {"_", "gettext", "ngettext", "pgettext", "plural_forms"}
SHOWN = ("alt", "aria-label", "title", "placeholder")
# Calls of Python whose text somebody sees, and which argument it is.
SEEN = {
    "flash": 0,
    "InvalidText": 0,
    "ValidationError": 0,
    "StopValidation": 0,
    "HTTPBadRequest": 0,
    "HTTPForbidden": 0,
    "HTTPNotFound": 0,
    "HTTPGone": 0,
    "StringField": 0,
    "TextAreaField": 0,
    "PasswordField": 0,
    "BooleanField": 0,
    "InputRequired": 0,
    "add_nav_item": 1,
    "add_admin_page": 1,
    "make_error_page": 2,
}


@pytest.fixture(scope="module")
def texts() -> Catalog:
    return translations.collect()


@pytest.mark.parametrize("language", translations.list_languages())
def test_a_language_is_complete(texts, language):
    assert [*translations.find_faults(language, texts)] == []


@pytest.mark.parametrize("language", translations.list_languages())
def test_a_catalogue_is_as_make_translations_writes_it(texts, language):
    written = translations.get_file(language).read_text(encoding="utf-8")
    assert written == translations.update(language, texts), "Run: make translations"


# Literals


class Literals(HTMLParser):
    """The words between and in the tags of a template, whose statements are taken out."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._in_code = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_code += tag in ("code", "kbd", "script", "style")
        self.words += [word for name, value in attrs if name in SHOWN for word in WORD.findall(value or "")]

    def handle_endtag(self, tag: str) -> None:
        self._in_code -= tag in ("code", "kbd", "script", "style")

    def handle_data(self, data: str) -> None:
        if not self._in_code:
            data = ATTRIBUTE.sub(" ", data)  # that a macro makes for a tag
            self.words += [word for word in WORD.findall(data) if word not in SAME_EVERYWHERE]


def find_literals(source: str) -> list[str]:
    without = re.sub(r"\{% trans\b.*?\{% endtrans %\}", " ", FOR_MACHINES.sub(" ", source), flags=re.S)
    without = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", " ", without, flags=re.S)
    literals = Literals()
    literals.feed(without)
    return literals.words


def find_strings(source: str) -> Iterator[str]:
    """Sentences that a template prints by an expression, `{{ 'No posts' if … }}`, and does not translate."""
    tree = Environment(extensions=["jinja2.ext.i18n"], autoescape=True).parse(source)
    found = [child for output in tree.find_all(nodes.Output) for child in output.nodes]
    for call in tree.find_all(nodes.Call):
        if getattr(call.node, "name", "") not in TRANSLATED:
            found += call.args
    for child in found:
        parts = [child.expr1, child.expr2] if isinstance(child, nodes.CondExpr) else [child]
        for part in parts:
            if isinstance(part, nodes.Const) and SENTENCE.search(str(part.value)):
                yield str(part.value)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_template_has_no_literal_text(path):
    source = path.read_text(encoding="utf-8")
    assert find_literals(source) == []
    assert [*find_strings(source)] == []


def find_untranslated_calls(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        position = SEEN.get(name)
        argument = node.args[position] if position is not None and len(node.args) > position else None
        if isinstance(argument, ast.JoinedStr) or (isinstance(argument, ast.Constant) and argument.value):
            yield f"line {node.lineno}: {ast.unparse(argument)}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_python_shows_people_no_literal(path):
    assert [*find_untranslated_calls(path.read_text(encoding="utf-8"))] == []


def find_texts_in_f_strings(source: str) -> Iterator[str]:
    for string in ast.walk(ast.parse(source)):
        if not isinstance(string, ast.JoinedStr):
            continue
        for node in ast.walk(string):
            name = getattr(
                getattr(node, "func", None), "attr", getattr(getattr(node, "func", None), "id", "")
            )
            if name in (*TRANSLATED, "n_"):
                yield f"line {string.lineno}: {ast.unparse(node)}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_text_is_in_an_f_string_where_it_is_not_found(path):
    """Before Python 3.12 an f-string is one token, so nobody would be asked to translate it."""
    assert [*find_texts_in_f_strings(path.read_text(encoding="utf-8"))] == []


# These checks themselves


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("<p>Hello</p>", ["Hello"]),
        ("<p>{{ _('Hello') }}</p>", []),
        ("<p>{% trans %}Hello{% endtrans %} you</p>", ["you"]),
        ('<a title="Hello" class="small">{{ name }}</a>', ["Hello"]),
        ("<code>ls</code>", []),
    ],
)
def test_literals_are_found(source, found):
    assert find_literals(source) == found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("{{ 'Hello you' if x else y }}", ["Hello you"]),
        ("{{ show('No posts') }}", ["No posts"]),
        ("{{ _('No posts') }}{{ link('users') }}", []),
    ],
)
def test_strings_in_expressions_are_found(source, found):
    assert [*find_strings(source)] == found


@pytest.mark.parametrize(
    ("source", "count"),
    [("request.flash('Done.')", 1), ("request.flash(f'{x} done')", 1), ("request.flash(_('Done.'))", 0)],
)
def test_literals_in_calls_are_found(source, count):
    assert len([*find_untranslated_calls(source)]) == count


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("""f'<b>{_("Done.")}</b>'""", 1),
        ("""f'<b>{escape(catalogue.ngettext("One", "Many", 2))}</b>'""", 1),
        ("""f'<b>{done}</b>' + _("Done.")""", 0),
    ],
)
def test_texts_in_f_strings_are_found(source, count):
    assert len([*find_texts_in_f_strings(source)]) == count


def make_catalogues(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, body: str) -> list[str]:
    texts = Catalog()
    texts.add("Hello, <b>%(name)s</b>")
    texts.add(("%(count)s post", "%(count)s posts"))
    monkeypatch.setattr(translations, "LOCALE", tmp_path)
    file = translations.get_file("de")
    file.parent.mkdir(parents=True)
    file.write_text(translations.make_header("de") + body, encoding="utf-8")
    return [*translations.find_faults("de", texts)]


GOOD = 'msgid "Hello, <b>%(name)s</b>"\nmsgstr "Hallo, <b>%(name)s</b>"\n\n'
POSTS = (
    'msgid "%(count)s post"\nmsgid_plural "%(count)s posts"\n'
    'msgstr[0] "Ein Beitrag"\nmsgstr[1] "%(count)s Beiträge"\n\n'
)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (POSTS, "is missing"),
        (GOOD, "is missing"),
        (GOOD.replace("msgid", "#, fuzzy\nmsgid", 1) + POSTS, "is fuzzy"),
        (GOOD.replace("Hallo, <b>%(name)s</b>", "Hallo, <b>%(nam)s</b>") + POSTS, "has other values"),
        (GOOD.replace("Hallo, <b>%(name)s</b>", "Hallo, %(name)s") + POSTS, "has other marks"),
        (GOOD + POSTS + 'msgid "Bye"\nmsgstr "Tschüs"\n', "is stale"),
        (GOOD + POSTS + '#~ msgid "Bye"\n#~ msgstr "Tschüs"\n', "is stale"),
    ],
)
def test_a_fault_of_a_catalogue_is_found(monkeypatch, tmp_path, body, fault):
    (found,) = make_catalogues(monkeypatch, tmp_path, body)
    assert fault in found


def test_a_catalogue_without_a_fault_has_none(monkeypatch, tmp_path):
    assert make_catalogues(monkeypatch, tmp_path, GOOD + POSTS) == []
