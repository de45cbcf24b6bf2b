"""`/preferences`: what people and visitors choose, and where it is kept."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from microblog.accounts.models import User
from microblog.preferences.fields import Choice, Preference
from tests.walk import enter, flashes, log_in, token

GERMAN = {"Accept-Language": "de"}


def choose(browser, path="/preferences", **chosen):
    form = browser.get(path).forms["preferences-form"]
    for name, value in chosen.items():
        if isinstance(value, list):
            for box in form.fields[name]:
                box.checked = box._value in value
        else:
            form[name] = value
    return form.submit(status=303)


def get_stored(database):
    with database.read() as session:
        return session.scalar(sa.select(User.preferences))


def test_every_page_links_to_the_preferences(browser):
    assert browser.get("/").html.select_one('.site-footer a[href="/preferences"]') is not None
    assert "Disallow: /preferences" in browser.get("/robots.txt").text


def test_a_visitor_chooses_for_this_browser(browser, application):
    page = choose(browser, language="ar", colors="dark").follow()
    assert (page.html.html["lang"], page.html.html["data-colors"]) == ("ar", "dark")
    assert page.html.select_one("#preferences-form option[selected][value=ar]") is not None
    assert "lang" not in application.browser().get("/").html.html.get("data-colors", "")
    assert application.browser().get("/").html.html["lang"] == "en"


def test_the_page_after_the_choice_is_in_the_chosen_language_already(browser):
    with_german = choose(browser, language="de").follow()
    assert flashes(with_german) == flashes(choose(browser, language="de").follow()) != []


def test_what_a_person_chooses_follows_them_to_other_browsers(application, database):
    browser = application.browser()
    enter(browser, "susan")
    choose(browser, language="es", colors="light", time_zone="Asia/Kathmandu", read=["de", "ja"])
    assert get_stored(database) == "colors=light&language=es&read=de+ja&time_zone=Asia%2FKathmandu"
    other = application.browser()
    log_in(other, "susan")
    page = other.get("/preferences")
    assert page.html.html["lang"] == "es"
    checked = [box["value"] for box in page.html.select('input[name="read"][checked]')]
    assert checked == ["de", "ja"]
    assert page.forms["preferences-form"]["time_zone"].value == "Asia/Kathmandu"


def test_as_the_browser_says_takes_the_choice_back(application, database):
    browser = application.browser()
    enter(browser, "susan")
    choose(browser, language="es", colors="dark")
    page = choose(browser, language="", colors="").follow(headers=GERMAN)
    assert page.html.html["lang"] == "de"
    assert "data-colors" not in page.html.html.attrs
    assert get_stored(database) == ""


def test_one_comes_back_to_where_one_was(browser):
    response = choose(browser, "/preferences?next=/explore", language="de")
    assert response.location.endswith("/explore")


def test_the_cookie_of_the_choice_is_for_the_server_alone(browser):
    (cookie,) = (
        each
        for each in choose(browser, language="de").headers.getall("Set-Cookie")
        if each.startswith("preferences=")
    )
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Max-Age=34560000" in cookie


@pytest.mark.parametrize(
    "fields",
    [
        {"language": "xx"},
        {"colors": "pink"},
        {"time_zone": "Mars/Olympus"},
        {"read": "klingon"},
        {"language": ["de", "es"]},
        {"language": "de", "shoes": "blue"},
    ],
)
def test_nothing_can_be_chosen_that_is_not_offered(browser, fields):
    sent = {"csrf_token": token(browser, "/preferences"), "language": "", "colors": "", "time_zone": ""}
    page = browser.post("/preferences", {**sent, **fields}, status=422)
    assert page.html.select_one(".error-summary li") is not None
    assert "preferences" not in browser.cookies


def test_the_form_is_sent_from_our_own_page_alone(browser):
    browser.post("/preferences", {"language": "de", "colors": "", "time_zone": ""}, status=400)
    assert "preferences" not in browser.cookies


def test_what_is_longer_than_can_be_kept_is_refused(make_application):
    long = [Choice("", "No"), Choice("x" * 600, "Very much")]
    browser = make_application(
        extend=lambda config: config.add_preference(
            Preference(name="long", label="Long", list_choices=lambda request: long)
        )
    ).browser()
    form = browser.get("/preferences").forms["preferences-form"]
    form["long"] = "x" * 600
    page = form.submit(status=422)
    assert "This is more than can be kept." in page.html.select_one(".error-summary").get_text()


def show_what_is_known(context, request):
    request.response.text = f"{request.time_zone} {' '.join(request.read_languages)}"
    return request.response


@pytest.mark.parametrize(
    ("cookie", "known"),
    [
        ("", "UTC en"),
        ("time_zone=Asia/Kathmandu&read=de+en+fr", "Asia/Kathmandu en de fr"),
        ("language=ar&read=xx+de", "UTC ar de"),
        ("time_zone=../../etc/passwd", "UTC en"),
        ("time_zone=Europe/Nowhere&read=+++", "UTC en"),
    ],
)
def test_packages_learn_the_zone_and_the_languages_of_the_reader(make_application, cookie, known):
    browser = make_application(
        extend=lambda config: config.add_view(show_what_is_known, name="shows")
    ).browser()
    browser.set_cookie("preferences", cookie)
    assert browser.get("/shows").text == known


def test_a_package_adds_languages_and_one_without_a_name_is_left_out(make_application):
    browser = make_application(extend=lambda config: config.add_languages_to_read("is", "xxx")).browser()
    page = browser.get("/preferences", headers=GERMAN)
    boxes = {box["value"]: box.parent.get_text(strip=True) for box in page.html.select('input[name="read"]')}
    assert boxes["is"] == "Íslenska"
    assert "xxx" not in boxes
    assert "de" not in boxes  # the page is in it


def test_each_language_is_shown_by_its_own_name_in_its_own_language(browser):
    options = browser.get("/preferences").html.select("#language option")
    assert [(each.get("lang"), each.get_text()) for each in options] == [
        (None, "As my browser says"),
        ("en", "English"),
        ("ar", "العربية"),
        ("de", "Deutsch"),
        ("es", "Español"),
    ]


def test_the_browser_is_told_of_the_chosen_colours(browser):
    def metas(page):
        return {
            (meta["name"], meta.get("media")): meta["content"]
            for meta in page.html.select('meta[name="theme-color"], meta[name="color-scheme"]')
        }

    assert metas(browser.get("/")) == {
        ("color-scheme", None): "light dark",
        ("theme-color", "(prefers-color-scheme: light)"): "#fafbfa",
        ("theme-color", "(prefers-color-scheme: dark)"): "#0f1513",
    }
    choose(browser, colors="dark")
    assert metas(browser.get("/")) == {("color-scheme", None): "dark", ("theme-color", None): "#0f1513"}
