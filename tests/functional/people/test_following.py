"""Following, the lists of who follows whom, and finding people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from webtest import TestApp, TestResponse

from tests.walk import bodies, enter, flashes, token, write


def send(browser: TestApp, path: str, *, status: int = 303, **fields: str) -> TestResponse:
    fields["csrf_token"] = token(browser)
    return browser.post(path, fields, status=status)


def counts(browser: TestApp, nickname: str) -> str:
    return browser.get(f"/users/{nickname}").html.select(".counts")[0].get_text(" ", strip=True)


def names(page: TestResponse) -> list[str]:
    return [name.get_text() for name in page.html.select(".person-name bdi")]


def links(page: TestResponse) -> list[str]:
    return [link.get_text() for link in page.html.select(".pager a")]


def test_following_by_the_button_brings_their_posts_home(susan, john):
    write(john, "by john")
    page = susan.get("/users/john").forms["follow-form"].submit(status=303).follow()
    assert flashes(page) == ["You follow john now."]
    assert page.request.path == "/users/john"
    assert page.html.select("#follow-form button")[0].get_text() == "✓Following (unfollow)"
    assert bodies(susan.get("/")) == ["by john"]
    assert counts(susan, "john") == "1 post 1 follower 0 following"
    assert counts(susan, "susan") == "0 posts 0 followers 1 following"


def test_unfollowing_by_the_button_takes_them_away(susan, john):
    write(john, "by john")
    send(susan, "/users/john/follow")
    page = susan.get("/users/john").forms["follow-form"].submit(status=303).follow()
    assert flashes(page) == ["You no longer follow john."]
    assert bodies(susan.get("/")) == []
    assert counts(susan, "john") == "1 post 0 followers 0 following"
    assert counts(susan, "susan") == "0 posts 0 followers 0 following"


def test_following_and_unfollowing_twice_is_harmless(susan, john):
    for _ in range(2):
        send(susan, "/users/john/follow")
        assert counts(susan, "john") == "0 posts 1 follower 0 following"
    for _ in range(2):
        send(susan, "/users/john/unfollow")
        assert counts(susan, "john") == "0 posts 0 followers 0 following"


@pytest.mark.parametrize("action", ["follow", "unfollow"])
def test_the_address_alone_asks_first(susan, john, action):
    send(susan, "/users/john/follow" if action == "unfollow" else "/users/john/unfollow")
    before = counts(susan, "john")
    page = susan.get(f"/users/john/{action}?next=/explore", status=200)
    assert page.html.select("h1")[0].get_text().lower() == f"{action} john?"
    assert counts(susan, "john") == before
    response = page.forms["follow-form"].submit(status=303)
    assert response.location == "http://localhost/explore"
    assert counts(susan, "john") != before


@pytest.mark.parametrize("action", ["follow", "unfollow"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody_follows_themselves(susan, action, method):
    path = f"/users/susan/{action}"
    page = susan.get(path, status=403) if method == "get" else send(susan, path, status=403)
    assert page.html.select(".sentence")[0].get_text() == "You cannot follow yourself."
    assert counts(susan, "susan") == "0 posts 0 followers 0 following"


@pytest.mark.parametrize("action", ["follow", "unfollow"])
def test_nobody_follows_somebody_who_is_not_there(susan, action):
    send(susan, f"/users/nobody/{action}", status=404)


@pytest.mark.parametrize("action", ["follow", "unfollow"])
def test_a_visitor_is_asked_to_log_in(john, browser, action):
    fields = {"csrf_token": token(browser, "/login")}
    page = browser.post(f"/users/john/{action}", fields, status=403)
    assert flashes(page) == ["You are not logged in. Nothing was done. Log in, and you will be asked again."]
    assert counts(browser, "john") == "0 posts 0 followers 0 following"


@pytest.mark.parametrize("action", ["follow", "unfollow"])
def test_a_field_that_the_form_does_not_have_does_nothing(susan, john, action):
    before = counts(susan, "john")
    page = send(susan, f"/users/john/{action}", status=400, follower_id="7")
    assert page.html.select(".sentence")[0].get_text() == "This form has no field called 'follower_id'."
    assert counts(susan, "john") == before


def test_following_goes_only_to_pages_of_ours(susan, john):
    response = send(susan, "/users/john/follow", next="//evil.example")
    assert response.location == "http://localhost/users/john"


# Who follows whom


def test_the_lists_show_who_follows_whom(susan, john, browser):
    send(susan, "/users/john/follow")
    assert names(browser.get("/users/john").click(href="/followers$")) == ["susan"]
    assert names(browser.get("/users/susan").click(href="/following$")) == ["john"]
    assert names(browser.get("/users/susan/followers")) == []
    assert names(browser.get("/users/john/following")) == []


def test_an_empty_list_says_what_to_do(susan, john, browser):
    assert "Write a post" in susan.get("/users/susan/followers").html.select(".empty")[0].text
    assert "Find somebody to follow" in susan.get("/users/susan/following").html.select(".empty")[0].text
    assert "be the first" in browser.get("/users/susan/followers").html.select(".empty")[0].text
    assert (
        "When susan follows somebody" in browser.get("/users/susan/following").html.select(".empty")[0].text
    )


def test_in_a_list_one_sees_whom_one_follows_and_can_change_it(susan, john):
    send(john, "/users/susan/follow")
    page = susan.get("/users/susan/followers")
    button = page.html.select(".person button")
    assert [each.get_text() for each in button] == ["Follow"]
    form = next(form for form in page.forms.values() if form.action == "/users/john/follow")
    response = form.submit(status=303)
    where = f"#{form.id}"  # the browser comes back to this person's button
    assert response.location == f"http://localhost/users/susan/followers{where}"
    page = response.follow()
    (followed,) = page.html.select(f"{where} button")
    assert followed.get_text() == "✓Following (unfollow)"
    assert not john.get("/users/susan/followers").html.select(".person button")  # it is himself


@pytest.mark.parametrize("kind", ["followers", "following"])
def test_the_lists_are_paged_and_nobody_is_left_out(make_application, kind):
    application = make_application({"microblog.page_size": "2"})
    browsers = {name: application.browser() for name in ("center", *(f"person{n}" for n in range(5)))}
    for nickname, browser in browsers.items():
        enter(browser, nickname)
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        for nickname, browser in browsers.items():
            follower, followed = (
                (browser, "center") if kind == "followers" else (browsers["center"], nickname)
            )
            if nickname != "center":
                send(follower, f"/users/{followed}/follow")
            clock.shift(timedelta(seconds=1))
    page = application.browser().get(f"/users/center/{kind}")
    pages = [names(page)]
    while "More people" in links(page):
        page = page.click("More people")
        pages.append(names(page))
    assert pages == [["person4", "person3"], ["person2", "person1"], ["person0"]]
    assert links(page) == ["First people"]
    assert names(page.click("First people")) == ["person4", "person3"]


# Finding people


@pytest.fixture
def people(application):
    for nickname in ("Susan", "susanne", "sus.an", "su_san", "john"):
        enter(application.browser(), nickname)


def find(browser: TestApp, q: str) -> list[str]:
    form = browser.get("/users/").forms["people-search-form"]
    form["q"] = q
    return names(form.submit())


def test_everybody_is_on_the_page_of_people_by_nickname(people, browser):
    assert names(browser.get("/users/")) == ["john", "su_san", "sus.an", "Susan", "susanne"]


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("susan", ["Susan", "susanne"]),
        ("SUSAN", ["Susan", "susanne"]),
        ("@susan", ["Susan", "susanne"]),
        (" susann ", ["susanne"]),
        ("su_", ["su_san", "sus.an", "Susan", "susanne"]),
        ("sus.", ["sus.an", "Susan", "susanne"]),
        ("usan", []),
        ("%", []),
        ("susann*", ["susanne"]),
        ("日本", []),
        ("@@", []),
        ("x" * 31, []),
    ],
)
def test_people_are_found_by_the_beginning_of_their_nickname_or_of_a_part_of_it(people, browser, q, found):
    assert find(browser, q) == found


def test_when_nobody_is_found_the_page_says_so(people, browser):
    page = browser.get("/users/?q=nobody")
    assert "Nobody found for “nobody”" in page.text
    assert page.forms["people-search-form"]["q"].value == "nobody"


def test_where_nobody_is_the_page_says_so(browser):
    assert "Nobody is here yet" in browser.get("/users/").text


def test_a_former_nickname_finds_nobody(susan, browser):
    form = susan.get("/account/profile").forms["profile-form"]
    form["nickname"] = "grace"
    form.submit(status=303)
    assert find(browser, "susan") == []
    assert find(browser, "g") == ["grace"]


def test_the_list_of_people_is_paged(make_application):
    application = make_application({"microblog.page_size": "2"})
    for nickname in ("Anna", "bob", "Anton", "anne", "anja"):
        enter(application.browser(), nickname)
    page = application.browser().get("/users/")
    pages = [names(page)]
    while "More people" in links(page):
        page = page.click("More people")
        pages.append(names(page))
    assert pages == [["anja", "Anna"], ["anne", "Anton"], ["bob"]]
    assert names(page.click("First people")) == ["anja", "Anna"]
