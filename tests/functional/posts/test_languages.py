"""The language of a post: detected, chosen, and corrected by its author."""

from __future__ import annotations

from itertools import cycle

import pytest
import sqlalchemy as sa

from microblog.accounts.models import User
from microblog.accounts.queries import find_owner_id
from microblog.posts.models import Post
from microblog.posts.queries import add_post, delete_post
from tests.competing import before_the_next_write, before_the_statement
from tests.walk import bodies, enter, flashes, post_ids, token, write

GERMAN = "Das ist ein kleiner Satz auf Deutsch."
NO_LANGUAGE = "This is not the code of a language, as de or pt-BR are."


@pytest.fixture
def post_id(susan):
    return post_ids(write(susan, GERMAN))[0]


def languages(page):
    """The languages of the posts on a page, from top to bottom."""
    return [each["lang"] for each in page.html.select("[data-post-id] .post-body")]


def write_in(browser, body, language, status=303):
    fields = {"body": body, "language": language, "csrf_token": token(browser)}
    return browser.post("/posts/", fields, status=status)


def change(browser, post_id, status=303, **fields):
    fields["csrf_token"] = token(browser)
    return browser.post(f"/posts/{post_id}/language", fields, status=status)


def errors(page):
    return [each.get_text() for each in page.html.select(".field-errors p")]


def test_the_language_of_a_post_is_detected(susan):
    assert languages(write(susan, GERMAN)) == ["de"]


def test_the_language_of_a_post_is_unknown_when_nobody_can_say(susan):
    assert languages(write(susan, "ok")) == [""]


def test_the_author_knows_better(susan):
    page = susan.get("/")
    form = page.forms["compose-form"]
    form["body"] = GERMAN
    form["language"] = "nl"
    assert languages(form.submit(status=303).follow()) == ["nl"]


@pytest.mark.parametrize(
    ("typed", "kept"), [("pt-BR", "pt-br"), (" pt_br ", "pt-br"), ("DE", "de"), ("cy", "cy")]
)
def test_a_tag_may_be_spelled_in_any_way(susan, typed, kept):
    write_in(susan, "Hello", typed)
    assert languages(susan.get("/")) == [kept]


@pytest.mark.parametrize(
    "tag", ["english", "xx", "d", "de-", "d\x00e", "<b>", "a" * 40, "de,en", "en-" + "a" * 33]
)
def test_what_is_no_language_is_refused_and_nothing_is_lost(susan, tag):
    page = write_in(susan, "Hello, world", tag, status=422)
    assert errors(page) == [NO_LANGUAGE]
    assert page.forms["compose-form"]["body"].value == "Hello, world"
    assert bodies(susan.get("/")) == []


def test_the_choice_is_kept_when_the_text_is_refused(susan):
    page = write_in(susan, " ", "es", status=422)
    assert page.forms["compose-form"]["language"].value == "es"


def test_one_s_own_languages_come_first_in_the_form(susan):
    form = susan.get("/preferences").forms["preferences-form"]
    for box in form.fields["read"]:
        box.checked = box._value in ("he", "es")
    form.submit(status=303)
    options = [value for value, _, _ in susan.get("/").forms["compose-form"]["language"].options]
    assert options[:4] == ["", "en", "es", "he"]
    assert "de" in options[4:]
    assert len(options) == len(set(options))


def test_languages_are_named_in_that_of_the_page(susan):
    page = susan.get("/", headers={"Accept-Language": "de"})
    names = {value: name for value, _, name in page.forms["compose-form"]["language"].options}
    assert names["es"] == "Spanisch"
    assert names["de"] == "Deutsch"


def test_the_author_corrects_the_language_afterwards(susan, post_id):
    page = susan.get(f"/posts/{post_id}").click("Language: German")
    form = page.forms["language-form"]
    assert form["language"].value == "de"
    form["language"] = "nl"
    page = form.submit(status=303).follow()
    assert flashes(page) == ["The language of your post is Dutch."]
    assert languages(page) == ["nl"]


def test_one_goes_on_where_one_came_from(susan, post_id):
    assert change(susan, post_id, language="nl", next="/explore").location.endswith("/explore")


def test_the_language_is_detected_again_when_none_is_chosen(susan, post_id):
    change(susan, post_id, language="nl")
    assert flashes(change(susan, post_id, language="").follow()) == ["The language of your post is German."]


def test_a_post_in_no_language_says_so(susan):
    post_id = post_ids(write(susan, "ok"))[0]
    assert "Set the language" in susan.get(f"/posts/{post_id}").text
    page = change(susan, post_id, language="").follow()
    assert flashes(page) == ["The language of your post is not known."]
    page = change(susan, post_id, language="und").follow()
    assert flashes(page) == ["Your post is in none of the languages that we know."]
    assert languages(page) == ["und"]


def test_a_correction_that_is_no_language_is_refused(susan, post_id):
    page = change(susan, post_id, status=422, language="german")
    assert errors(page) == [NO_LANGUAGE]
    assert languages(susan.get("/")) == ["de"]


def test_a_language_with_a_region_is_offered_where_the_post_has_it(susan):
    write_in(susan, "Olá", "pt-br")
    page = susan.get(f"/posts/{post_ids(susan.get('/'))[0]}/language")
    form = page.forms["language-form"]
    assert form["language"].value == "pt-br"
    assert ("pt-br", True, "Portuguese (BR)") in form["language"].options


def test_somebody_else_sees_no_link_and_changes_nothing(john, susan, post_id):
    assert "/language" not in john.get(f"/posts/{post_id}").text
    john.get(f"/posts/{post_id}/language", status=403)
    page = change(john, post_id, status=403, language="nl")
    assert "You cannot change this post." in page.text
    assert languages(susan.get("/")) == ["de"]


def test_the_link_is_only_on_the_page_of_the_post(susan, post_id):
    assert "/language" not in susan.get("/").text
    assert f"/posts/{post_id}/language" in susan.get(f"/posts/{post_id}").text


def test_a_post_that_is_not_there_has_no_language(susan):
    susan.get("/posts/1/language", status=404)
    assert "Post not found." in change(susan, 1, status=404, language="nl").text


def test_a_post_that_is_deleted_while_it_is_corrected_is_gone(susan, post_id, database):
    fields = {"language": "nl", "csrf_token": token(susan)}

    def delete():
        with database.write() as session:
            delete_post(session, post_id)

    with before_the_next_write(database, delete):
        page = susan.post(f"/posts/{post_id}/language", fields, status=410)
    assert "This post was deleted." in page.text


def test_a_post_that_is_somebody_else_s_in_each_attempt_is_a_conflict(susan, john, post_id, database):
    """As while an import is put right: what was read is not what there is when it is written."""
    fields = {"language": "nl", "csrf_token": token(susan)}

    def give_to(nickname):
        with database.write() as session:
            owner = find_owner_id(session, nickname)
            session.execute(sa.update(Post).where(Post.id == post_id).values(user_id=owner))

    # Of each attempt the first transaction that writes is the one that gives the post back.
    turns = cycle([False, True])

    def take():
        if next(turns):
            give_to("john")

    with (
        before_the_next_write(database, take, times=6),
        before_the_statement(database.engine, "posts.body", lambda: give_to("susan"), times=3),
    ):
        page = susan.post(f"/posts/{post_id}/language", fields, status=409)
    assert "Somebody changed this at the same time, and nothing was done." in page.text
    assert languages(john.get(f"/posts/{post_id}")) == ["de"]


def test_a_form_without_its_token_is_shown_again(susan, post_id):
    page = susan.post(f"/posts/{post_id}/language", {"language": "nl"}, status=400)
    assert page.forms["language-form"]["language"].value == "nl"


def test_detection_can_be_switched_off(make_application):
    browser = make_application({"microblog.posts.detect_languages": "false"}).browser()
    enter(browser, "susan")
    assert languages(write(browser, GERMAN)) == [""]


def test_a_post_is_written_with_its_language_by_as_many_statements(susan, count_statements):
    fields = {"body": GERMAN, "csrf_token": token(susan)}
    with count_statements() as detected:
        susan.post("/posts/", {**fields, "key": "one"}, status=303)
    with count_statements() as first:
        susan.post("/posts/", {**fields, "key": "two", "language": "de"}, status=303)
    with count_statements() as again:
        susan.post("/posts/", {**fields, "key": "three", "language": "de"}, status=303)
    assert (len(first), len(again)) == (len(detected) + 1, len(detected))  # one remembers it


def list_offered(browser):
    return [value for value, _, _ in browser.get("/").forms["compose-form"]["language"].options]


def test_what_one_has_chosen_last_comes_first(susan):
    for tag in ("nl", "eu", "pt-BR", "nl", "fr"):
        write_in(susan, "Hello", tag)
    assert list_offered(susan)[:5] == ["", "fr", "nl", "pt-br", "en"]


def test_preferences_that_are_saved_keep_what_one_has_chosen(susan):
    write_in(susan, "Hello", "nl")
    form = susan.get("/preferences").forms["preferences-form"]
    form["colors"] = "dark"
    form.submit(status=303)
    write_in(susan, "Hello", "fr")
    assert list_offered(susan)[:4] == ["", "fr", "nl", "en"]
    assert susan.get("/preferences").forms["preferences-form"]["colors"].value == "dark"


def test_somebody_with_very_many_preferences_is_not_stopped_from_writing(susan, application):
    many = "read=" + "a" * 490
    with application.database.write() as session:
        session.execute(sa.update(User).values(preferences=many))
    write_in(susan, "Hello", "nl")
    assert list_offered(susan)[:2] == ["", "en"]
    with application.database.read() as session:
        assert session.scalar(sa.select(User.preferences)) == many


def test_a_language_without_a_name_is_called_by_its_code(susan, application):
    with application.database.write() as session:
        user_id = session.scalar(sa.text("SELECT id FROM users"))
        post_id = add_post(session, user_id, "Imported", language="xx")
    page = susan.get(f"/posts/{post_id}").click("Language: xx")
    assert page.forms["language-form"]["language"].value == "xx"
