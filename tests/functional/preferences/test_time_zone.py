"""In which time zone a page is: the one that was chosen, else that of the device."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from microblog.accounts.queries import add_user
from microblog.ids import new_id_at
from microblog.posts.queries import add_posts
from tests.walk import enter

WRITTEN = datetime(2020, 12, 31, 23, 30, tzinfo=UTC)


@pytest.fixture
def post(application):
    """A post of the end of 2020."""
    with application.database.write() as session:
        author = add_user(session, "ada")
        post_id = new_id_at(WRITTEN)
        add_posts(session, [{"id": post_id, "user_id": author, "body": "Happy new year", "language": "en"}])
    return f"/posts/{post_id}"


def date(page):
    return page.html.select_one(".post-when").get_text()


def guess(page):
    """The zone of the page, and the cookie that app.js may set."""
    body = page.html.body
    return body.get("data-zone"), body.get("data-zone-cookie")


def test_nobody_knows_the_zone_of_the_first_page(browser, post):
    page = browser.get(post)
    assert (date(page), guess(page)) == ("Dec 31, 2020", ("UTC", "time_zone"))


@pytest.mark.parametrize(
    ("cookie", "shown", "zone"),
    [
        ("Europe/Berlin", "Jan 1, 2021", "Europe/Berlin"),
        ("Europe%2FBerlin", "Jan 1, 2021", "Europe/Berlin"),
        ("Asia/Calcutta", "Jan 1, 2021", "Asia/Calcutta"),  # as older devices call it
        ("Etc/GMT-3", "Jan 1, 2021", "Etc/GMT-3"),
        ("America/Lima", "Dec 31, 2020", "America/Lima"),
        ("Nowhere/Land", "Dec 31, 2020", "UTC"),
        ("../../etc/passwd", "Dec 31, 2020", "UTC"),
        ("/etc/localtime", "Dec 31, 2020", "UTC"),
        ("%00", "Dec 31, 2020", "UTC"),
        ("x" * 4000, "Dec 31, 2020", "UTC"),
    ],
)
def test_the_device_says_its_zone_if_there_is_one(browser, post, cookie, shown, zone):
    browser.set_cookie("time_zone", cookie)
    page = browser.get(post)
    assert (date(page), guess(page)) == (shown, (zone, "time_zone"))


def test_a_chosen_zone_counts_more_than_that_of_the_device(browser, post):
    browser.set_cookie("time_zone", "Europe/Berlin")
    browser.set_cookie("preferences", "time_zone=America%2FLima")
    page = browser.get(post)
    assert (date(page), guess(page)) == ("Dec 31, 2020", (None, None))


def test_a_person_takes_their_zone_to_every_device_and_a_guess_stays_on_its_own(browser, application, post):
    enter(browser, "susan")
    browser.set_cookie("time_zone", "Europe/Berlin")
    assert date(browser.get(post)) == "Jan 1, 2021"
    form = browser.get("/preferences").forms["preferences-form"]
    form["time_zone"] = "America/Lima"
    form.submit(status=303)
    assert date(browser.get(post)) == "Dec 31, 2020"


def test_a_time_is_in_the_language_and_the_zone_of_the_reader(browser, post):
    browser.set_cookie("time_zone", "Europe/Berlin")
    page = browser.get(post, headers={"Accept-Language": "de"})
    assert date(page) == "01.01.2021"
    assert page.html.select_one(".post-when time")["title"] == "1. Januar 2021, 00:30 MEZ"
    assert page.html.select_one(".post-when time")["datetime"] == "2020-12-31T23:30:00+00:00"


def test_over_https_nobody_but_the_site_can_set_the_zone(make_application):
    browser = make_application({"microblog.cookies.secure": "true"}).browser()
    assert guess(browser.get("/"))[1] == "__Host-time_zone"
