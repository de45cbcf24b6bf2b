"""What people do every day, in German and in Arabic: each page and each message is in their language."""

from __future__ import annotations

import pytest

from microblog.i18n import Message, _, join_sentences, n_
from tests.walk import PASSWORD, enter, flashes, log_in, post_ids, sign_up, write

DIRECTIONS = {"de": "ltr", "ar": "rtl"}


@pytest.fixture(params=sorted(DIRECTIONS))
def language(request, application):
    return application.registry.languages[request.param]


@pytest.fixture
def reader(application, language):
    """A browser that asks for the language."""
    browser = application.browser()
    browser.extra_environ["HTTP_ACCEPT_LANGUAGE"] = f"{language.tag}-XX,{language.tag};q=0.9,en;q=0.1"
    return browser


@pytest.fixture
def say(language):
    def translate(text: Message) -> str:
        translated = language.catalogue.translate(text)
        assert translated != text
        return translated

    return translate


def test_somebody_signs_up_writes_and_deletes(reader, language, say):
    page = sign_up(reader, "susan")
    (root,) = page.html.select("html")
    assert (root["lang"], root["dir"]) == (language.tag, DIRECTIONS[language.tag])
    assert flashes(page) == [say(_("Welcome! You are signed up, and logged in."))]
    page = write(reader, "Tee?")
    assert flashes(page) == [say(_("Your post is now live!"))]
    (post_id,) = post_ids(page)
    page = reader.get(f"/posts/{post_id}/delete").forms["delete-form"].submit(status=303).follow()
    assert flashes(page) == [say(_("Your post has been deleted."))]
    page = reader.get("/logout").forms["logout-form"].submit(status=303).follow()
    assert flashes(page) == [say(_("You are logged out."))]


def test_somebody_follows_somebody(application, reader, say):
    enter(application.browser(), "nils")
    enter(reader, "susan")
    page = reader.get("/users/nils/follow").forms["follow-form"].submit(status=303).follow()
    assert flashes(page) == [say(_("You follow %(name)s now.", name="nils"))]
    assert all("follower" not in each.get_text() for each in page.html.select("[data-followers]"))


@pytest.mark.parametrize("count", [0, 1, 2, 3, 11])
def test_a_profile_counts_as_the_language_does(reader, language, count):
    enter(reader, "susan")
    for number in range(count):
        write(reader, str(number))
    shown = reader.get("/users/susan").html.select(".counts li")[0].get_text()
    forms = language.catalogue.ngettext(
        "<strong>%(number)s</strong> post", "<strong>%(number)s</strong> posts", count, number=count
    )
    assert shown.strip() == forms.striptags()


def test_a_form_is_refused_in_the_language(reader, say):
    form = reader.get("/register").forms["register-form"]
    form["nickname"], form["email"], form["password"] = "a", "a@", PASSWORD
    errors = [error.get_text() for error in form.submit(status=422).html.select(".error-summary li")]
    assert errors == [
        say(_("A nickname has %(least)s to %(most)s characters.", least=2, most=30)),
        say(_("This is not an e-mail address, such as susan@example.org.")),
    ]


def test_a_wrong_password_is_refused_in_the_language(reader, say):
    page = log_in(reader, "nobody")
    assert say(_("This nickname or e-mail address and this password do not match.")) in page.html.get_text()


def test_an_error_is_in_the_language_as_a_page_and_as_json(reader, say):
    page = reader.get("/nothing", status=404)
    assert page.html.select("h1")[0].get_text() == say(_("Not found"))
    assert reader.get("/api/nothing", status=404).json["error"]["title"] == say(_("Not found"))


def test_sentences_one_after_another_are_each_translated(language, say):
    both = join_sentences(_("You are not logged in."), n_("Try again in %(count)s hour.", "", 1))
    first, second = say(_("You are not logged in.")), say(n_("Try again in %(count)s hour.", "", 1))
    assert say(both) == f"{first} {second}"


def test_numbers_in_sentences_are_written_as_the_language_does(language):
    long = n_("This is far too long: at most %(count)s character.", "…", 1_234)
    assert ("1.234" if language.tag == "de" else "1,234") in language.catalogue.translate(long)
