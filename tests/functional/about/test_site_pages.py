"""What a site says about itself: microblog's words, until its operator has written others."""

from __future__ import annotations

import os
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from babel import Locale

from microblog.about.checks import describe_texts
from microblog.about.library import MOST_BYTES, Library
from microblog.about.pages import PAGES
from microblog.about.settings import PAGES_FOLDER, PAGES_LANGUAGE
from microblog.about.views import list_languages
from microblog.checks import FAULT, OK
from microblog.settings import SettingsError
from microblog.web.settings import CONTACT
from tests.walk import enter


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "pages"
    folder.mkdir()
    return folder


@pytest.fixture
def browser_of_folder(make_application, folder):
    """A visitor of the site whose pages are in `folder`."""
    return make_application({PAGES_FOLDER.key: str(folder)}).browser()


def footer(page):
    """The links to these pages at the foot of a page."""
    links = page.html.select("footer a")
    return [link.get_text() for link in links if link["href"].strip("/") in PAGES]


def test_without_a_word_of_the_operator_each_page_says_what_is_true_of_every_site(browser):
    for path, heading in (("/about", "About microblog"), ("/help", "Help"), ("/privacy", "Privacy")):
        page = browser.get(path)
        assert page.html.h1.get_text() == heading
        assert len(page.html.select_one(".prose").get_text().split()) > 50
        assert page.html.title.get_text() == f"{heading} · microblog"


def test_every_page_links_to_them_and_the_current_site_has_no_terms(browser):
    assert footer(browser.get("/")) == ["About", "Help", "Privacy"]
    browser.get("/terms", status=404)
    enter(browser, "susan")
    assert footer(browser.get("/")) == ["About", "Help", "Privacy"]


def test_they_say_how_to_reach_the_operator(make_application):
    browser = make_application({CONTACT.key: "the desk <hall>"}).browser()
    for path in ("/about", "/help", "/privacy"):
        assert "the desk <hall>" in browser.get(path).html.select_one(".prose").get_text()
    assert "the desk" not in make_application().browser().get("/help").text


def test_they_need_no_sql(browser, count_statements):
    with count_statements() as statements:
        for path in ("/about", "/help", "/privacy"):
            browser.get(path)
    assert statements == []


def test_nobody_can_be_called_like_them(browser):
    form = browser.get("/register").forms["register-form"]
    form["nickname"], form["email"], form["password"] = "Privacy", "p@example.com", "correct horse battery"
    assert "reserved" in form.submit(status=422).html.select_one(".field-errors").get_text()


def test_the_operators_text_takes_the_place_of_ours(browser_of_folder, folder):
    (folder / "about.md").write_text("# A site for *gardeners*\n\nAsk [us](/users/susan).\n")
    page = browser_of_folder.get("/about")
    assert page.html.h1.get_text() == "A site for gardeners"
    assert page.html.title.get_text() == "A site for gardeners · microblog"
    assert page.html.select_one(".prose a")["href"] == "/users/susan"
    assert page.html.select_one(".prose")["lang"] == "en"
    assert page.html.select_one(".prose")["dir"] == "ltr"
    assert browser_of_folder.get("/help").html.h1.get_text() == "Help"


def test_a_text_without_a_heading_has_the_name_of_its_page(browser_of_folder, folder):
    (folder / "terms.md").write_text("Be kind.")
    page = browser_of_folder.get("/terms")
    assert page.html.h1.get_text() == "Terms"
    assert page.html.select_one(".prose").get_text(strip=True) == "Be kind."


def test_terms_are_linked_once_they_are_written(browser_of_folder, folder):
    assert footer(browser_of_folder.get("/")) == ["About", "Help", "Privacy"]
    (folder / "terms.md").write_text("Be kind.")
    assert footer(browser_of_folder.get("/")) == ["About", "Help", "Privacy", "Terms"]
    (folder / "terms.md").unlink()
    assert footer(browser_of_folder.get("/")) == ["About", "Help", "Privacy"]
    browser_of_folder.get("/terms", status=404)


def test_a_changed_file_is_read_again(browser_of_folder, folder):
    file = folder / "about.md"
    for words in ("One", "Two", "Longer", "Again"):
        file.write_text(words)
        assert browser_of_folder.get("/about").html.select_one(".prose").get_text(strip=True) == words


def test_a_text_that_did_not_change_is_not_read_again(folder, monkeypatch):
    (folder / "about.md").write_text("One")
    library = Library(folder, "en")
    first = library.find("about", ["en"])
    assert library.find("about", ["en"]) is first


def test_a_folder_that_has_rested_is_not_listed_again(folder):
    (folder / "about.md").write_text("One")
    os.utime(folder, (1, 1))
    library = Library(folder, "en")
    listed = library.list_files()
    assert library.list_files() is listed
    (folder / "help.md").write_text("Two")
    assert set(library.list_files()) == {"about", "help"}


def test_each_reader_gets_their_language_else_that_of_the_site_else_any(folder):
    (folder / "about.md").write_text("Hallo")
    (folder / "about.es.md").write_text("Hola")
    (folder / "about.pt-BR.md").write_text("Oi")
    (folder / "terms.ar.md").write_text("# شروط\n\nمرحبا")
    (folder / "about.nolanguage.md").write_text("?")
    (folder / "about.xx.md").write_text("?")
    (folder / "README").write_text("?")
    library = Library(folder, "de")
    found = {
        tags: (text.body.striptags(), text.language) if (text := library.find("about", [tags])) else None
        for tags in ("es", "de", "pt-BR", "pt", "ja")
    }
    assert found == {
        "es": ("Hola", "es"),
        "de": ("Hallo", "de"),
        "pt-BR": ("Oi", "pt-BR"),
        "pt": ("Hallo", "de"),
        "ja": ("Hallo", "de"),
    }
    terms = library.find("terms", ["es"])
    assert terms
    assert (terms.title, terms.language) == ("شروط", "ar")
    assert library.find("help", ["es"]) is None


def test_a_text_in_a_language_of_the_other_direction_says_so(browser_of_folder, folder):
    (folder / "terms.ar.md").write_text("# شروط\n\nمرحبا", encoding="utf-8")
    page = browser_of_folder.get("/terms")
    assert (page.html.h1["lang"], page.html.h1["dir"]) == ("ar", "rtl")
    assert (page.html.select_one(".prose")["lang"], page.html.select_one(".prose")["dir"]) == ("ar", "rtl")


def test_an_empty_file_counts_as_not_written(browser_of_folder, folder):
    (folder / "about.md").touch()
    (folder / "terms.md").touch()
    page = browser_of_folder.get("/about")
    assert page.html.h1.get_text() == "About microblog"
    assert "Terms" not in footer(page)
    browser_of_folder.get("/terms", status=404)


BROKEN = {
    "not UTF-8": (lambda file: file.write_bytes(b"Caf\xe9"), "is not UTF-8 (byte 3): save it as UTF-8."),
    "huge": (
        lambda file: file.write_bytes(b"x" * (MOST_BYTES + 1)),
        "is larger than 200,000 bytes: shorten it.",
    ),
    "a folder": (lambda file: file.mkdir(), "cannot be read: Is a directory."),
    "a link to nothing": (
        lambda file: file.symlink_to("nothing"),
        "cannot be read: No such file or directory.",
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_text_that_cannot_be_shown_is_not_replaced_by_another_one(browser_of_folder, folder, caplog, kind):
    make, why = BROKEN[kind]
    make(folder / "privacy.md")
    for _ in range(2):
        page = browser_of_folder.get("/privacy", status=503)
        assert "cannot be shown at the moment" in page.html.select_one(".sentence").get_text()
    assert "privacy.md" not in page.text
    assert footer(browser_of_folder.get("/about")) == ["About", "Help", "Privacy"]
    assert Library(folder, "en").find_problems() == [f"{folder}/privacy.md {why}"]


def test_a_text_that_cannot_be_shown_is_logged_once(folder, caplog, browser_of_folder):
    (folder / "privacy.md").write_bytes(b"\xff")
    browser_of_folder.get("/privacy", status=503)
    browser_of_folder.get("/privacy", status=503)
    assert len([record for record in caplog.records if record.name == "microblog.about.library"]) == 1


def test_the_largest_text_and_one_with_a_byte_order_mark_are_shown(browser_of_folder, folder):
    (folder / "about.md").write_bytes(b"x" * MOST_BYTES)
    assert len(browser_of_folder.get("/about").html.select_one(".prose").get_text(strip=True)) == MOST_BYTES
    (folder / "help.md").write_bytes("\ufeff# Ayuda\r\n\r\nHola\r\n".encode())
    assert browser_of_folder.get("/help").html.h1.get_text() == "Ayuda"


def test_a_folder_that_is_not_there_shows_our_texts_and_is_a_problem(make_application, tmp_path):
    browser = make_application({PAGES_FOLDER.key: str(tmp_path / "nowhere")}).browser()
    assert browser.get("/about").html.h1.get_text() == "About microblog"
    (problem,) = Library(tmp_path / "nowhere", "en").find_problems()
    assert re.search("nowhere is no folder", problem)


def test_the_most_precise_language_of_a_reader_comes_first():
    assert list(list_languages(Locale.parse("zh_Hant_TW"))) == ["zh-Hant-TW", "zh-Hant", "zh-TW", "zh"]
    assert list(list_languages(Locale.parse("es"))) == ["es"]


def test_the_language_of_files_without_one_can_be_set(make_application, folder):
    (folder / "about.md").write_text("Hola")
    browser = make_application({PAGES_FOLDER.key: str(folder), PAGES_LANGUAGE.key: "es-MX"}).browser()
    assert browser.get("/about").html.select_one(".prose")["lang"] == "es-MX"


def look(library):
    """(level, sentence) of what doctor finds."""
    site = SimpleNamespace(registry=SimpleNamespace(site_texts=library))
    return [(finding.level, finding.sentence) for finding in describe_texts(site)]


def test_doctor_says_which_texts_there_are_and_which_cannot_be_shown(folder):
    assert look(Library(None, "en")) == []
    assert look(Library(folder, "en")) == [(OK, f"{folder} has texts for: no page yet.")]
    (folder / "help.md").write_text("x")
    (folder / "about.es.md").write_text("x")
    assert look(Library(folder, "en")) == [(OK, f"{folder} has texts for: about, help.")]
    (folder / "terms.md").write_bytes(b"\xff")
    assert look(Library(folder, "en")) == [
        (FAULT, f"{folder}/terms.md is not UTF-8 (byte 0): save it as UTF-8.")
    ]


def test_a_language_that_does_not_exist_stops_the_start(make_application):
    with pytest.raises(SettingsError, match=r"microblog\.pages\.language must be the code of a language"):
        make_application({PAGES_LANGUAGE.key: "klingonese"})


def test_the_help_says_what_pictures_are_for_where_there_are_any(make_application, browser):
    assert "A post can have up to 4 pictures." in browser.get("/help")
    assert "you can choose a picture of yourself" in browser.get("/help")
    without = make_application({"microblog.media.quota": "0"}).browser().get("/help")
    assert "picture" not in without.html.main.get_text()
    one = make_application({"microblog.media.pictures_per_post": "1"}).browser().get("/help")
    assert "A post can have 1 picture." in one
