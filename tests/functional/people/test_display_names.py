"""A display name: edited in the profile, and shown before the nickname wherever a person is."""

from __future__ import annotations

import sqlalchemy as sa

from microblog.accounts.models import User
from tests.walk import flashes, token, write

NAME = "Łukasz Żółć"
BOTH = f"{NAME} @susan"


def edit(browser, name, status=303, **fields):
    form = browser.get("/account/profile").forms["profile-form"]
    form["display_name"] = name
    for field, value in fields.items():
        form[field] = value
    return form.submit(status=status)


def text(page, selector):
    return page.html.select(selector)[0].get_text(" ", strip=True)


def title(page):
    return page.html.title.get_text().removesuffix(" · microblog")


def test_a_display_name_is_shown_wherever_its_person_is(susan, john):
    write(susan, "Hello")
    post = john.get("/explore").html.select(".post-when")[0]["href"]
    john.post("/users/susan/follow", {"csrf_token": token(john)}, status=303)
    susan.post("/users/john/follow", {"csrf_token": token(susan)}, status=303)
    assert edit(susan, f"  {NAME} ").location == "http://localhost/users/susan"
    for path in ("/", "/explore", "/users/susan", post, "/search?q=hello"):
        assert text(john.get(path), ".post-author") == BOTH, path
    for path in ("/users/", "/users/?q=sus", "/users/john/followers", "/users/john/following"):
        names = [name.get_text(" ", strip=True) for name in john.get(path).html.select(".person-name")]
        assert BOTH in names, path
    assert text(susan.get("/users/susan"), "h1") == BOTH
    assert text(john.get("/users/susan/unfollow"), "h1") == f"Unfollow {BOTH} ?"
    assert text(john.get("/users/susan/followers"), ".lead") == f"Who follows {BOTH}"
    assert text(john.get(post), ".after-post") == f"All posts by {BOTH}"


def test_titles_and_messages_say_both_names(susan, john):
    write(susan, "Hello")
    edit(susan, NAME)
    full = f"{NAME} (@susan)"
    post = john.get("/explore").html.select(".post-when")[0]["href"]
    assert title(john.get("/users/susan")) == full
    assert title(john.get(post)) == f"Post by {full}"
    assert title(john.get("/users/susan/followers")) == f"Followers of {full}"
    assert title(john.get("/users/susan/follow")) == f"Follow {full}?"
    shared = john.get("/users/susan").html
    assert shared.select("meta[property='og:title']")[0]["content"] == full
    assert shared.select("meta[property='og:description']")[0]["content"] == f"Posts by {full}."
    followed = john.get("/users/susan/follow").forms["follow-form"].submit().follow()
    assert flashes(followed) == [f"You follow {full} now."]


def test_without_a_display_name_pages_show_the_nickname_alone(susan, john):
    edit(susan, NAME)
    edit(susan, "\u3164")  # which looks empty
    page = john.get("/users/susan")
    assert (text(page, "h1"), title(page)) == ("susan", "susan")
    assert page.html.select(".display-name, .nickname") == []


def test_names_are_isolated_from_the_text_around_them(susan, john):
    edit(susan, "أدا לב")
    (heading,) = john.get("/users/susan").html.select("h1")
    assert [(bdi.get_text(), bdi["class"]) for bdi in heading.select("bdi")] == [
        ("أدا לב", ["display-name"]),
        ("@susan", ["nickname"]),
    ]


def test_a_name_is_text_and_never_run(susan, john):
    name = "</bdi><script>alert(1)</script>"
    edit(susan, name)
    page = john.get("/users/susan")
    assert text(page, "h1") == f"{name} @susan"
    assert title(page) == f"{name} (@susan)"
    assert susan.get("/account/profile").forms["profile-form"]["display_name"].value == name


def test_a_refused_name_is_shown_again_and_nothing_is_changed(susan, application):
    page = edit(susan, "x" * 61, status=422, about_me="Kept")
    assert [error.get_text() for error in page.html.select(".field-errors p")] == [
        "This is 1 character too long: at most 60 characters."
    ]
    form = page.forms["profile-form"]
    assert (form["display_name"].value, form["about_me"].value) == ("x" * 61, "Kept")
    with application.database.read() as session:
        assert session.execute(sa.select(User.display_name, User.about_me)).one() == ("", "")


def test_the_field_says_what_it_is_to_browsers_and_counts(susan):
    (field,) = susan.get("/account/profile").html.select("#display_name")
    assert (field["autocomplete"], field["data-max-length"], field["dir"]) == ("name", "60", "auto")
    assert susan.get("/account/profile").html.select("[data-counter-for=display_name]")


def test_a_name_is_kept_in_one_normal_form(susan, application):
    edit(susan, "e\u0301")
    with application.database.read() as session:
        assert session.scalar(sa.select(User.display_name)) == "é"


def test_a_description_of_characters_of_very_many_parts_is_refused(susan):
    """PostgreSQL keeps at most 1,400 code points of it."""
    form = susan.get("/account/profile").forms["profile-form"]
    form["about_me"] = "👩🏾‍👨🏾‍👧🏾‍👧🏾" * 140
    page = form.submit(status=422)
    assert "made of several parts" in page.html.select(".field-errors p")[0].get_text()


def test_display_names_cost_no_statement(susan, john, count_statements):
    write(susan, "Hello")
    pages = ("/", "/explore", "/users/susan", "/users/")
    numbers = []
    for name in ("", NAME):
        edit(susan, name)
        for page in pages:
            john.get(page)
            with count_statements() as statements:
                john.get(page)
            numbers.append(len(statements))
    assert numbers[: len(pages)] == numbers[len(pages) :]
