"""Texts for people: marked in Python, found in catalogues, chosen by number."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from babel import Locale

from microblog.i18n import Catalogue, Language, Message, _, language_tag, n_, read_catalogue
from microblog.texts import InvalidText

ARABIC = (
    'msgid ""\nmsgstr ""\n'
    '"Content-Type: text/plain; charset=utf-8\\n"\n'
    '"Plural-Forms: nplurals=6; plural=(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 :'
    ' n%100>=11 ? 4 : 5);\\n"\n\n'
    'msgid "One post"\nmsgid_plural "%(count)d posts"\n'
    'msgstr[0] "zero"\nmsgstr[1] "one"\nmsgstr[2] "two"\nmsgstr[3] "few %(count)d"\n'
    'msgstr[4] "many %(count)d"\nmsgstr[5] "other %(count)d"\n'
)
GERMAN = (
    'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'
    'msgid "Hello, %(name)s."\nmsgstr "Hallo, %(name)s."\n\n'
    'msgid "somebody"\nmsgstr "jemand"\n\n'
    '#, fuzzy\nmsgid "unsure"\nmsgstr "unsicher"\n\n'
    'msgid "not yet"\nmsgstr ""\n\n'
    'msgid "One post"\nmsgid_plural "%(count)d posts"\nmsgstr[0] "Ein Beitrag"\n'
    'msgstr[1] "%(count)d Beiträge"\n'
)


def write_catalogue(folder: Path, language: str, text: str, name: str = "microblog") -> Path:
    file = folder / language / "LC_MESSAGES" / f"{name}.po"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def german(tmp_path: Path) -> Catalogue:
    return read_catalogue(Locale("de"), [write_catalogue(tmp_path, "de", GERMAN)])


def test_a_message_is_its_english_text():
    message = _("Hello, %(name)s.", name="Susan")
    assert message == "Hello, Susan."
    assert json.dumps([message]) == '["Hello, Susan."]'
    assert f"{message}" == "Hello, Susan."


@pytest.mark.parametrize(("count", "text"), [(0, "0 posts"), (1, "One post"), (2, "2 posts")])
def test_a_message_with_a_number_is_english_in_the_right_form(count, text):
    assert n_("One post", "%(count)d posts", count) == text


def test_a_message_survives_the_text_of_an_exception_and_a_copy(german):
    message = _("Hello, %(name)s.", name="Susan")
    assert german.translate(str(InvalidText(message))) == "Hallo, Susan."
    assert german.translate(copy.deepcopy(message)) == "Hallo, Susan."


def test_a_message_is_translated_with_its_values_and_those_that_are_messages(german):
    assert german.translate(_("Hello, %(name)s.", name="Susan")) == "Hallo, Susan."
    assert german.translate(_("Hello, %(name)s.", name=_("somebody"))) == "Hallo, jemand."
    assert german.translate(n_("One post", "%(count)d posts", 3)) == "3 Beiträge"


@pytest.mark.parametrize("text", ["unsure", "not yet", "never seen"])
def test_what_has_no_finished_translation_stays_english(german, text):
    assert german.translate(Message(text, None, {})) == text
    assert german.gettext(text) == text


def test_a_text_that_is_no_message_stays_what_it_is(german):
    assert german.translate("somebody") == "somebody"


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "zero"), (1, "one"), (2, "two"), (3, "few 3"), (10, "few 10"), (11, "many 11"), (100, "other 100")],
)
def test_arabic_has_six_forms(tmp_path, count, text):
    arabic = read_catalogue(Locale("ar"), [write_catalogue(tmp_path, "ar", ARABIC)])
    assert arabic.translate(n_("One post", "%(count)d posts", count)) == text


def test_a_template_gets_markup_with_escaped_values(german):
    assert german.gettext("Hello, %(name)s.", name="<b>") == "Hallo, &lt;b&gt;."
    assert german.ngettext("One post", "%(count)d posts", 2, count=2) == "2 Beiträge"
    assert Catalogue().gettext("100 %%") == "100 %"
    assert Catalogue().ngettext("%(num)d post", "%(num)d posts", 1) == "1 post"


def test_a_later_folder_says_it_better(tmp_path):
    ours = write_catalogue(tmp_path / "ours", "de", GERMAN)
    theirs = write_catalogue(
        tmp_path / "theirs", "de", 'msgid "somebody"\nmsgstr "irgendwer"\n', "their_package"
    )
    catalogue = read_catalogue(Locale("de"), [ours, theirs])
    assert [catalogue.find(text) for text in ("somebody", "Hello, %(name)s.")] == [
        "irgendwer",
        "Hallo, %(name)s.",
    ]


def test_a_singular_alone_is_found_where_a_number_chooses(german):
    assert german.find("One post") == "Ein Beitrag"
    assert Catalogue({"One post": "Ein Beitrag"}).find_plural("One post", "posts", 2) == "posts"


def test_a_language_has_its_own_name_tag_and_direction():
    brazilian = Language(Locale.parse("pt_BR"), [])
    assert (brazilian.tag, brazilian.name, brazilian.direction) == ("pt-BR", "Português (Brasil)", "ltr")
    assert Language(Locale("ar"), []).direction == "rtl"


@pytest.mark.parametrize("value", ["de", "DE"])
def test_the_language_of_the_site_is_one_of_the_folders(value):
    assert language_tag(value) == "de"


def test_the_language_of_the_site_cannot_be_one_without_a_folder():
    with pytest.raises(ValueError, match="must be one of en, ar, de, es"):
        language_tag("tlh")
