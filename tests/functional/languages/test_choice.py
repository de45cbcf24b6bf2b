"""In which language a page is: chosen by the person, the visitor, their browser, or the operator."""

from __future__ import annotations

import pytest
from babel import Locale
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from microblog.i18n import Catalogue, Language, _
from microblog.web.forms import Form
from tests.unit.test_i18n import write_catalogue
from tests.walk import enter


def language_of(page):
    return page.html.html["lang"], page.html.html["dir"]


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.5", "de"),
        ("es-419", "es"),
        ("fr, ar;q=0.5, en;q=0.2", "ar"),
        ("en;q=0.2, DE;q=0.3", "de"),
        ("fr", "en"),
        ("*", "en"),
        ("de;;q=x", "en"),
        ("\xff\x00", "en"),
        ("", "en"),
        (",".join(["de", *["fr;q=0.1"] * 200]), "de"),
        ("d" * 5_000, "en"),
    ],
)
def test_a_visitor_reads_in_the_language_that_the_browser_likes_best(browser, accepted, language):
    page = browser.get("/", headers={"Accept-Language": accepted})
    assert page.html.html["lang"] == language


def test_an_arabic_page_is_written_from_right_to_left(browser):
    assert language_of(browser.get("/", headers={"Accept-Language": "ar"})) == ("ar", "rtl")
    assert language_of(browser.get("/")) == ("en", "ltr")


def test_what_a_visitor_has_chosen_counts_more_than_the_browser(browser):
    browser.set_cookie("preferences", "language=es")
    assert language_of(browser.get("/", headers={"Accept-Language": "de"}))[0] == "es"


@pytest.mark.parametrize("cookie", ["language=xx", "language=", "language", "%ff=%ff", "&" * 50, "x" * 900])
def test_a_broken_choice_is_none(browser, cookie):
    browser.set_cookie("preferences", cookie)
    assert language_of(browser.get("/", headers={"Accept-Language": "de"}))[0] == "de"


def test_what_a_person_has_chosen_counts_most(browser, application):
    enter(browser, "susan")
    with application.database.write() as session:
        session.connection().exec_driver_sql("UPDATE users SET preferences = 'language=ar'")
    browser.set_cookie("preferences", "language=es")
    assert language_of(browser.get("/", headers={"Accept-Language": "de"})) == ("ar", "rtl")


def test_the_operator_chooses_for_those_who_ask_for_nothing_that_is_there(make_application):
    browser = make_application({"microblog.language": "de"}).browser()
    assert language_of(browser.get("/"))[0] == "de"
    assert language_of(browser.get("/", headers={"Accept-Language": "fr"}))[0] == "de"
    assert language_of(browser.get("/", headers={"Accept-Language": "en"}))[0] == "en"


def test_a_page_is_cached_for_its_language_alone(browser):
    assert "Accept-Language" in browser.get("/").headers["Vary"]


def test_the_page_of_a_fault_is_in_the_language_of_its_reader(make_application):
    def fail(context, request):
        raise RuntimeError("on purpose")

    def extend(config):
        config.add_view(fail, name="fails")

    browser = make_application(extend=extend).browser()
    page = browser.get("/fails", headers={"Accept-Language": "ar"}, status=500)
    assert language_of(page) == ("ar", "rtl")


def test_another_package_brings_its_own_texts_and_languages(make_application, tmp_path):
    folder = write_catalogue(tmp_path, "de", 'msgid "Their text"\nmsgstr "Ihr Text"\n', "theirs")
    shouting = Language(Locale("en"), [], tag="x-shout", catalogue=Catalogue({"Their text": "THEIRS"}))

    def show(context, request):
        text = request.translate(_("Their text"))
        request.response.text = f"{text} {request.list_items(['a', 'b', 'c'])} {request.text_direction}"
        return request.response

    def extend(config):
        config.add_translations(str(folder))
        config.add_language(shouting)
        config.add_view(show, name="shows")

    browser = make_application(extend=extend).browser()
    assert browser.get("/shows", headers={"Accept-Language": "de"}).text == "Ihr Text a, b und c ltr"
    assert browser.get("/shows", headers={"Accept-Language": "x-shout"}).text == "THEIRS a, b, and c ltr"


class FormOfAnotherPackage(Form):
    """Its validators have no messages of their own."""

    name = StringField("Name", [InputRequired(), Length(min=3)])


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [("", "Dieses Feld wird benötigt."), ("ab", "Feld muss mindestens 3 Zeichen beinhalten.")],
)
def test_what_wtforms_says_is_in_the_language_too(make_application, typed, sentence):
    def show(context, request):
        form = FormOfAnotherPackage(request)
        form.validate()
        request.response.text = " ".join(form.name.errors)
        return request.response

    def extend(config):
        config.add_view(show, name="shows", csrf=False)

    browser = make_application(extend=extend).browser()
    answer = browser.post("/shows", {"name": typed}, headers={"Accept-Language": "de"})
    assert answer.text == sentence
