"""Writing posts and reading them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.walk import bodies, enter, flashes, post_ids, token, write

EMPTY = "Write something first: a post cannot be empty."


def refused(browser, body):
    """The page with which the form comes back."""
    form = browser.get("/").forms["compose-form"]
    form["body"] = body
    return form.submit(status=422)


def errors(page):
    return [each.get_text() for each in page.html.select(".field-errors p")]


def test_a_post_is_on_the_home_page_of_its_author(browser):
    enter(browser, "susan")
    page = write(browser, "Hello, world")
    assert bodies(page) == ["Hello, world"]
    assert flashes(page) == ["Your post is now live!"]


def test_a_post_has_a_page_of_its_own(susan, browser):
    post_id = post_ids(write(susan, "Hello, world"))[0]
    page = browser.get(f"/posts/{post_id}")
    assert bodies(page) == ["Hello, world"]
    assert "Post by susan" in page.html.select("title")[0].text


def test_its_time_is_a_link_to_its_page(susan):
    page = write(susan, "Hello, world").click("just now")
    assert bodies(page) == ["Hello, world"]
    assert page.request.path.startswith("/posts/")


def test_the_newest_post_comes_first(susan):
    for body in ("one", "two", "three"):
        write(susan, body)
    for path in ("/", "/explore", "/users/susan"):
        assert bodies(susan.get(path)) == ["three", "two", "one"], path


def test_home_has_mine_and_those_of_the_people_i_follow(application, susan):
    john, grace = application.browser(), application.browser()
    enter(john, "john")
    enter(grace, "grace")
    write(susan, "by susan")
    write(john, "by john")
    write(grace, "by grace")
    susan.get("/users/john").forms["follow-form"].submit(status=303)
    assert bodies(susan.get("/")) == ["by john", "by susan"]
    assert bodies(john.get("/")) == ["by john"]


def test_a_visitor_sees_everybodys_posts_at_home(susan, browser):
    write(susan, "Hello, world")
    page = browser.get("/")
    assert bodies(page) == ["Hello, world"]
    assert "compose-form" not in page.forms


def test_explore_has_everybodys_posts(application, susan):
    john = application.browser()
    enter(john, "john")
    write(susan, "by susan")
    write(john, "by john")
    assert bodies(susan.get("/explore")) == ["by john", "by susan"]


def test_a_profile_has_its_persons_posts_only(application, susan):
    john = application.browser()
    enter(john, "john")
    write(susan, "by susan")
    write(john, "by john")
    assert bodies(john.get("/users/susan")) == ["by susan"]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/", "It is quiet here"),
        ("/explore", "Nobody has written anything yet"),
        ("/users/susan", "You have not written anything yet"),
        ("/?before=5", "No older posts"),
        ("/explore?before=5", "No older posts"),
        ("/users/susan?before=5", "No older posts"),
    ],
)
def test_an_empty_page_says_what_to_do(susan, path, words):
    assert words in susan.get(path).html.select(".empty")[0].text


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/", "Nobody has written anything yet"),
        ("/?before=5", "No older posts"),
        ("/explore", "Join"),
        ("/users/susan", "has not written anything so far"),
    ],
)
def test_an_empty_page_says_so_to_a_visitor(susan, browser, path, words):
    assert words in browser.get(path).html.select(".empty")[0].text


def test_blank_lines_around_a_post_are_dropped_and_those_within_are_kept(susan):
    page = write(susan, "\r\n  first\r\n\r\n  second  \r\n")
    assert bodies(page) == ["first\n\n  second"]


@pytest.mark.parametrize(
    "body", ["", " ", "\r\n\t ", "\u200b", "\u3164", "\u2800 \u00a0", "\u202e", "\ufe0f", "\U0001d159"]
)
def test_a_post_in_which_there_is_nothing_to_see_is_refused(susan, body):
    page = refused(susan, body)
    assert errors(page) == [EMPTY]
    assert bodies(susan.get("/")) == []


def test_a_post_without_a_text_field_is_refused(susan):
    page = susan.post("/posts/", {"csrf_token": token(susan)}, status=422)
    assert errors(page) == [EMPTY]


def test_a_post_may_have_280_characters_as_a_reader_counts_them(susan):
    family = "👩🏾‍👨🏾‍👧🏾‍👧🏾"  # eleven code points, one character
    assert bodies(write(susan, family * 280)) == [family * 280]


def test_a_post_that_is_one_character_too_long_is_refused_and_stays_in_the_form(susan):
    page = refused(susan, "é" * 281)
    assert errors(page) == ["This is 1 character too long: at most 280 characters."]
    assert page.forms["compose-form"]["body"].value == "é" * 281
    assert page.html.select("title")[0].text.startswith("Error:")
    assert bodies(susan.get("/")) == []


def test_how_much_is_too_much_is_said(susan):
    assert errors(refused(susan, "x" * 1500)) == [
        "This is 1,220 characters too long: at most 280 characters."
    ]


def test_a_character_of_a_thousand_accents_is_far_too_long(susan):
    page = refused(susan, "e" + "\u0301" * 280 * 16)
    assert errors(page) == ["This is far too long: at most 280 characters."]


def test_sixteen_code_points_for_each_character_are_accepted(susan):
    body = ("e" + "\u0301" * 15) * 280
    assert bodies(write(susan, body)) == [body]


def test_a_character_of_more_than_sixteen_code_points_is_refused(susan):
    assert errors(refused(susan, "e" + "\u0301" * 16)) == [
        "This has a character that is made of too many parts. Please remove it."
    ]


def test_the_length_of_a_post_is_a_setting(make_application):
    browser = make_application({"microblog.posts.max_length": "5"}).browser()
    enter(browser, "susan")
    assert bodies(write(browser, "12345")) == ["12345"]
    page = refused(browser, "123456")
    assert errors(page) == ["This is 1 character too long: at most 5 characters."]
    assert page.html.select("textarea")[0]["data-max-length"] == "5"


def test_a_refused_post_can_be_mended_and_sent(susan):
    page = refused(susan, "x" * 281)
    form = page.forms["compose-form"]
    form["body"] = form["body"].value[:280]
    assert bodies(form.submit(status=303).follow()) == ["x" * 280]


def test_a_control_character_is_refused_with_a_sentence(susan):
    page = refused(susan, "bell\x07")
    assert errors(page) == ["This has a control character, which cannot be shown. Please remove it."]


def test_a_field_that_the_form_does_not_have_is_refused_and_nothing_is_lost(susan):
    page = susan.post("/posts/", {"csrf_token": token(susan), "body": "Hello", "user_id": "1"}, status=422)
    assert page.html.select(".error-summary li")[0].text == "This form has no field called 'user_id'."
    assert page.forms["compose-form"]["body"].value == "Hello"
    assert bodies(susan.get("/")) == []


def test_after_writing_one_goes_where_the_form_says(susan):
    fields = {"csrf_token": token(susan), "body": "Hello", "next": "/explore"}
    assert susan.post("/posts/", fields, status=303).location == "http://localhost/explore"


def test_a_refused_post_still_goes_where_the_form_says(susan):
    fields = {"csrf_token": token(susan), "body": "", "next": "/explore"}
    form = susan.post("/posts/", fields, status=422).forms["compose-form"]
    form["body"] = "Hello"
    assert form.submit(status=303).location == "http://localhost/explore"


def test_a_double_click_writes_one_post(susan):
    form = susan.get("/").forms["compose-form"]
    form["body"] = "Hello"
    first, second = form.submit(status=303), form.submit(status=303)
    assert first.location == second.location
    assert bodies(susan.get("/")) == ["Hello"]


def test_the_back_button_and_another_text_write_another_post(susan):
    form = susan.get("/").forms["compose-form"]
    for body in ("Hello", "Hello again"):
        form["body"] = body
        form.submit(status=303)
    assert bodies(susan.get("/")) == ["Hello again", "Hello"]


def test_the_same_text_from_two_forms_is_two_posts(susan):
    write(susan, "Hello")
    assert bodies(write(susan, "Hello")) == ["Hello", "Hello"]


def test_a_form_without_a_key_always_writes(susan):
    fields = {"csrf_token": token(susan), "body": "Hello"}
    susan.post("/posts/", fields, status=303)
    susan.post("/posts/", fields, status=303)
    assert bodies(susan.get("/")) == ["Hello", "Hello"]


def test_two_people_may_use_one_key(application, susan):
    john = application.browser()
    enter(john, "john")
    for browser in (susan, john):
        browser.post("/posts/", {"csrf_token": token(browser), "body": "Hello", "key": "k"}, status=303)
    assert len(bodies(susan.get("/explore"))) == 2


def test_a_key_that_is_too_long_is_refused(susan):
    fields = {"csrf_token": token(susan), "body": "Hello", "key": "k" * 65}
    page = susan.post("/posts/", fields, status=422)
    assert "This form is broken. Open the page again." in page.text


def test_eight_clicks_at_once_write_one_post(application, susan):
    """Eight threads send one form: each is answered as if it were the one."""
    form = susan.get("/").forms["compose-form"]
    form["body"] = "Hello"
    fields = form.submit_fields()
    cookie = susan.cookies["session"]

    def click(_: int) -> int:
        browser = application.browser()
        browser.set_cookie("session", cookie)
        return browser.post("/posts/", fields, status="*").status_int

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(click, range(8))) == [303] * 8
    assert bodies(susan.get("/")) == ["Hello"]


def test_eight_people_who_write_at_once_all_succeed(application):
    browsers = [application.browser() for _ in range(8)]
    for number, browser in enumerate(browsers):
        enter(browser, f"person{number}")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda browser: write(browser, "Hello"), browsers))
    assert len(bodies(browsers[0].get("/explore"))) == 8


def test_a_visitor_cannot_write(browser):
    fields = {"csrf_token": token(browser, "/login"), "body": "Hello"}
    page = browser.post("/posts/", fields, status=403)
    assert flashes(page) == ["You are not logged in. Log in, and you will find what you wrote, not yet sent."]
    assert page.forms["login-form"]["carried"].value
    assert bodies(browser.get("/")) == []


def test_the_address_that_forms_are_sent_to_leads_readers_to_explore(browser):
    response = browser.get("/posts/", status=301)
    assert response.location == "http://localhost/explore"


def test_links_and_mentions_in_a_post_are_links(susan):
    page = write(susan, "@susan reads https://example.org/a?b=1&c=2 and example.org")
    anchors = page.html.select(".post-body a")
    assert [(a["href"], a.get_text()) for a in anchors] == [
        ("/users/susan", "@susan"),
        ("https://example.org/a?b=1&c=2", "https://example.org/a?b=1&c=2"),
        ("http://example.org", "example.org"),
    ]
    assert [a.get("rel") for a in anchors] == [None, *[["nofollow", "ugc", "noopener"]] * 2]


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        '"><svg onload=alert(1)>',
        "' onmouseover='alert(1)",
        "{{ 7 * 7 }} {% raw %}",
        "</textarea><script>alert(1)</script>",
        "&lt;b&gt; & &amp;",
        'https://example.org/"onmouseover="alert(1)',
        "https://example.org/<script>alert(1)</script>",
    ],
)
def test_a_text_is_shown_as_it_was_typed_and_never_run(susan, text):
    page = write(susan, text)
    assert bodies(page) == [text]
    body = page.html.select(".post-body")[0]
    assert {element.name for element in body.find_all(True)} <= {"a"}
    assert {name for a in body.find_all("a") for name in a.attrs} <= {"href", "rel", "dir", "class"}
    # Refused, it stands in the form, as inert as on the page.
    page = refused(susan, text + "x" * 300)
    assert page.forms["compose-form"]["body"].value == text + "x" * 300


def test_the_home_page_takes_at_most_four_statements(browser, count_statements):
    enter(browser, "susan")
    write(browser, "Hello, world")
    with count_statements() as statements:
        page = browser.get("/")
    assert bodies(page) == ["Hello, world"]
    assert len(statements) <= 4, statements


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/", 3),  # who it is; the posts; what I did with them
        ("/explore", 4),  # and the tags of the week
        ("/posts/{id}", 4),  # and the replies
        ("/posts/{id}/delete", 3),
        ("/posts/{id}/edit", 2),
        ("/posts/{id}/versions/", 3),
        ("/users/susan", 4),  # and the person
        ("/users/john", 4),  # and whether I follow them
        ("/users/john/followers", 3),
        ("/users/john/following", 3),
        ("/users/", 2),
        ("/account/profile", 2),
        ("/logout", 1),
    ],
)
def test_a_page_takes_so_many_statements_however_much_is_on_it(
    application, susan, count_statements, path, most
):
    john = application.browser()
    enter(john, "john")
    for number in range(3):
        write(susan, f"post {number}")
        write(john, f"post {number}")
    susan.get("/users/john").forms["follow-form"].submit(status=303)
    path = path.format(id=post_ids(susan.get("/users/susan"))[0])
    susan.get("/")  # which forgets the message
    with count_statements() as statements:
        susan.get(path, status=200)
    (unread,) = [sql for sql in statements if "notification_groups" in sql]
    assert "message_threads" in unread  # all numbers in the header
    assert len(statements) == most + 1, statements


@pytest.mark.parametrize(("path", "most"), [("/", 1), ("/explore", 2), ("/login", 0), ("/users/", 1)])
def test_a_visitors_page_loads_no_identity(browser, count_statements, path, most):
    with count_statements() as statements:
        browser.get(path, status=200)
    assert len(statements) == most, statements


def test_the_page_of_a_refused_post_is_a_form_when_it_is_loaded_anew(susan):
    form = susan.get("/").forms["compose-form"]
    form["body"] = " "
    refused = form.submit(status=422)
    page = susan.get(refused.request.path, status=200)
    assert page.html.h1.get_text() == refused.html.h1.get_text() == "Write a post"
    assert "What you have typed" not in page
    form = page.forms["compose-form"]
    form["body"] = "Better"
    assert bodies(form.submit(status=303).follow()) == ["Better"]
