"""Editing posts, and the versions that are kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from microblog.accounts.models import LoginSession
from microblog.accounts.queries import find_owner_id
from microblog.ids import new_id_at
from microblog.posts.actions import MOST_VERSIONS, edit
from microblog.posts.events import PostEdited
from microblog.posts.models import Post, PostVersion
from microblog.posts.queries import add_posts, delete_post
from tests.competing import before_the_next_write
from tests.walk import PASSWORD, bodies, enter, flashes, post_ids, token, write

GERMAN = "Das ist ein kleiner Satz auf Deutsch."


@pytest.fixture
def post(susan):
    """A post of susan."""
    return post_ids(write(susan, "The kettle sings."))[0]


def change(browser, post_id, body, status=303):
    """Edit a post by its form, from the link on its page on."""
    form = browser.get(f"/posts/{post_id}").click("Edit", href=f"/posts/{post_id}/edit").forms["edit-form"]
    form["body"] = body
    return form.submit(status=status)


def errors(page):
    return [each.get_text() for each in page.html.select(".error-summary li")]


def changes(page):
    """What is removed and added in the versions on a page, as it is seen, the newest first."""
    for said in page.html.select(".said"):
        said.decompose()
    return [
        [(each.name, each.get_text()) for each in li.select("del, ins")]
        for li in page.html.select("li:has(h2)")
    ]


def count_versions(database):
    with database.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(PostVersion))


def test_the_author_edits_a_post_and_everybody_sees_what_changed(susan, john, post):
    assert "edited" not in john.get(f"/posts/{post}").text
    page = change(susan, post, "The kettle hums loudly.").follow()
    assert page.request.path == f"/posts/{post}"
    assert flashes(page) == ["Your post has been saved."]
    change(susan, post, "The kettle hums, at last.")
    page = john.get(f"/posts/{post}")
    assert bodies(page) == ["The kettle hums, at last."]
    page = page.click("edited <time")
    assert page.request.path == f"/posts/{post}/versions/"
    assert changes(page) == [
        [("del", " loudly"), ("ins", ", at last")],
        [("del", "sings"), ("ins", "hums loudly")],
        [],
    ]
    assert page.html.select(".versions .post-body")[-1].get_text() == "The kettle sings."


def test_lines_stay_lines_and_nothing_is_markup(susan, post):
    change(susan, post, "The <b>kettle</b>\nsings.")
    body = susan.get(f"/posts/{post}/versions/").html.select_one(".versions .post-body")
    assert len(body.select("br")) == 1
    assert not body.select("b")


def test_what_changed_is_said_in_words_too(susan, post):
    change(susan, post, "The kettle hums.")
    page = susan.get(f"/posts/{post}/versions/", headers={"Accept-Language": "de"})
    assert page.html.select_one("del").get_text(" ", strip=True) == "Entfernt: sings Ende des Entfernten."


def test_lists_say_that_a_post_was_edited(susan, post):
    change(susan, post, "The kettle hums.")
    for path in ("/", "/explore", "/users/susan", f"/posts/{post}", "/search?q=hums"):
        page = susan.get(path)
        assert bodies(page)[0] == "The kettle hums.", path
        assert page.html.select(f'a[href="/posts/{post}/versions/"] time'), path
    assert not bodies(susan.get("/search?q=sings"))


def test_two_tabs_that_edit_get_both_texts_and_go_on_from_there(susan, post):
    forms = [susan.get(f"/posts/{post}/edit").forms["edit-form"] for _ in range(2)]
    forms[0]["body"], forms[1]["body"] = "The kettle hums.", "The kettle whistles."
    forms[0].submit(status=303)
    page = forms[1].submit(status=409)
    assert "was edited meanwhile" in errors(page)[0]
    assert bodies(page) == ["The kettle hums."]
    assert page.forms["edit-form"]["body"].value == "The kettle whistles."
    page = page.forms["edit-form"].submit(status=303).follow()
    assert bodies(page) == ["The kettle whistles."]
    assert changes(susan.get(f"/posts/{post}/versions/"))[0] == [("del", "hums"), ("ins", "whistles")]


def test_an_edit_that_comes_in_between_is_seen_at_the_last_moment(susan, post, application):
    form = susan.get(f"/posts/{post}/edit").forms["edit-form"]
    form["body"] = "The kettle whistles."

    def edit_elsewhere():
        with application.database.write() as session:
            author = find_owner_id(session, "susan")
            assert author is not None
            edit(session, post, author, "The kettle hums.", language=None, version=1)

    with before_the_next_write(application.database, edit_elsewhere):
        page = form.submit(status=409)
    assert bodies(page) == ["The kettle hums."]
    assert page.forms["edit-form"]["body"].value == "The kettle whistles."
    assert page.forms["edit-form"]["version"].value == "2"


def test_a_form_that_is_sent_twice_is_one_edit(susan, post, application):
    form = susan.get(f"/posts/{post}/edit").forms["edit-form"]
    form["body"] = "The kettle hums."
    assert form.submit(status=303).location == form.submit(status=303).location
    fields = {"body": "The kettle hums.", "version": "1", "csrf_token": token(susan)}
    susan.post(f"/posts/{post}/edit", fields, status=303)  # without a key, from a page that is old by now
    assert count_versions(application.database) == 1


def test_a_text_that_did_not_change_makes_no_version(susan, post, application):
    page = change(susan, post, " The kettle sings. ").follow()
    assert "edited" not in page.text
    assert count_versions(application.database) == 0


def test_the_language_is_detected_again_unless_it_was_chosen(susan, post):
    def language():
        return susan.get(f"/posts/{post}").html.select_one(".post-body")["lang"]

    form = susan.get(f"/posts/{post}/edit").forms["edit-form"]
    assert form["language"].value == ""
    change(susan, post, GERMAN)
    assert language() == "de"
    form = susan.get(f"/posts/{post}/edit").forms["edit-form"]
    form["language"] = "nl"
    form.submit(status=303)  # only the language
    assert language() == "nl"
    assert len(susan.get(f"/posts/{post}/versions/").html.select(".versions > li")) == 2
    assert susan.get(f"/posts/{post}/edit").forms["edit-form"]["language"].value == "nl"
    change(susan, post, "The kettle hums.")
    assert language() == "nl"


@pytest.mark.parametrize(
    ("body", "version", "sentence"),
    [
        (" ", "1", "a post cannot be empty"),
        ("x" * 281, "1", "1 character too long"),
        ("Hello", "one", "This form is broken."),
        ("Hello", "9" * 30, "This form is broken."),
        ("Hello", "", "This form is broken."),
    ],
)
def test_what_is_refused_changes_nothing_and_is_not_lost(susan, post, body, version, sentence):
    fields = {"body": body, "version": version, "csrf_token": token(susan)}
    page = susan.post(f"/posts/{post}/edit", fields, status=422)
    assert sentence in errors(page)[0]
    assert page.forms["edit-form"]["body"].value == body.strip()
    assert bodies(susan.get(f"/posts/{post}")) == ["The kettle sings."]


def test_only_the_author_edits(application, john, susan, post):
    assert "/edit" not in john.get(f"/posts/{post}").text
    assert "You cannot edit this post." in john.get(f"/posts/{post}/edit", status=403).text
    fields = {"body": "Mine", "version": "1"}
    john.post(f"/posts/{post}/edit", {**fields, "csrf_token": token(john)}, status=403)
    visitor = application.browser()
    assert visitor.get(f"/posts/{post}/edit", status=303).location.startswith("http://localhost/login")
    assert bodies(visitor.get(f"/posts/{post}")) == ["The kettle sings."]


def test_a_visitor_logs_in_and_finds_the_text_with_the_version_it_began_with(application, susan, post):
    form = susan.get(f"/posts/{post}/edit").forms["edit-form"]
    form["body"] = "The kettle hums."
    with application.database.write() as session:
        session.execute(sa.text("DELETE FROM sessions"))
    login = form.submit(status=400).forms["login-form"]
    login["nickname"], login["password"] = "susan", "correct horse battery staple"
    page = login.submit(status=303).follow()
    assert page.forms["edit-form"]["body"].value == "The kettle hums."
    assert page.forms["edit-form"]["version"].value == "1"
    form = page.forms["edit-form"]
    assert bodies(form.submit(status=303).follow()) == ["The kettle hums."]
    page = susan.get(page.request.url.replace("http://localhost", ""), status=303).follow()
    assert "waits here no longer" in flashes(page)[0]


def write_old_post(application, minutes):
    with application.database.write() as session:
        post_id = new_id_at(datetime.now(UTC) - timedelta(minutes=minutes))
        row = {"id": post_id, "user_id": find_owner_id(session, "susan"), "body": "Old", "language": None}
        add_posts(session, [row])
    return post_id


def test_after_some_minutes_it_is_too_late_and_the_text_is_kept(make_application):
    application = make_application({"microblog.posts.edit_minutes": "10"})
    browser = application.browser()
    enter(browser, "susan")
    young, old = write_old_post(application, 9), write_old_post(application, 11)
    assert "/edit" in browser.get(f"/posts/{young}").text
    assert "/edit" not in browser.get(f"/posts/{old}").text
    browser.get(f"/posts/{young}/edit", status=200)
    sentence = "A post can be edited for 10 minutes, and this one is older."
    assert sentence in browser.get(f"/posts/{old}/edit", status=403).text
    fields = {"body": "New", "version": "1", "csrf_token": token(browser)}
    page = browser.post(f"/posts/{old}/edit", fields, status=403)
    assert errors(page) == [sentence]
    assert page.forms["edit-form"]["body"].value == "New"
    page = browser.post(f"/posts/{old}/edit", {"body": "New", "version": "1"}, status=400)
    assert page.forms["edit-form"]["body"].value == "New"
    assert bodies(browser.get(f"/posts/{old}")) == ["Old"]


def test_editing_can_be_switched_off(make_application):
    application = make_application({"microblog.posts.editing": "false"})
    browser = application.browser()
    enter(browser, "susan")
    post = post_ids(write(browser, "The kettle sings."))[0]
    assert "/edit" not in browser.get(f"/posts/{post}").text
    assert "Posts cannot be edited on this site." in browser.get(f"/posts/{post}/edit", status=403).text
    fields = {"body": "New", "version": "1", "csrf_token": token(browser)}
    browser.post(f"/posts/{post}/edit", fields, status=403)


def test_a_post_has_as_many_versions_as_it_may_and_they_are_paged(susan, post, application):
    with application.database.write() as session:
        author = find_owner_id(session, "susan")
        assert author is not None
        for number in range(1, MOST_VERSIONS):
            edit(session, post, author, f"Text {number + 1}", language=None, version=number)
    page = change(susan, post, "One more", status=403)
    assert errors(page) == [
        "A post has at most 100 versions, and this one has as many. Copy your text if you want to keep it."
    ]
    assert page.forms["edit-form"]["body"].value == "One more"
    page, seen = susan.get(f"/posts/{post}/versions"), []
    page = page.follow()  # to the slash
    while True:
        seen += [found[-1][1] if found else "the first" for found in changes(page)]
        if not page.html.select("a[rel=next]"):
            break
        page = page.click("Earlier versions")
    assert seen == [*(str(number) for number in range(MOST_VERSIONS, 2, -1)), "Text 2", "the first"]
    assert page.click("Newest version").request.path_qs == f"/posts/{post}/versions/"
    assert len(susan.get(f"/posts/{post}/versions/?before=999").html.select(".versions > li")) == 10
    susan.get(f"/posts/{post}/versions/?before=x", status=400)
    assert not susan.get(f"/posts/{post}/versions/?before=1").html.select(".versions > li")


def test_a_deletion_takes_the_versions_away(susan, post, application):
    change(susan, post, "The kettle hums.")
    susan.get(f"/posts/{post}/delete").forms["delete-form"].submit(status=303)
    page = susan.get(f"/posts/{post}/versions/", status=410)
    assert "kettle" not in page.text
    assert count_versions(application.database) == 0


def test_a_post_that_is_deleted_while_it_is_edited_is_gone(susan, post, application):
    def delete():
        with application.database.write() as session:
            delete_post(session, post)

    form = susan.get(f"/posts/{post}/edit").forms["edit-form"]
    form["body"] = "The kettle hums."
    with before_the_next_write(application.database, delete):
        assert "This post was deleted." in form.submit(status=410).text


def test_versions_are_in_order_when_the_clock_was_put_back(susan, post, application):
    change(susan, post, "The kettle hums.")
    later = 4_000_000_000_000
    with application.database.write() as session:
        session.execute(sa.update(Post).values(edited=later))
    change(susan, post, "The kettle whistles.")
    with application.database.read() as session:
        assert session.scalar(sa.select(Post.edited)) == later


def test_an_edit_is_an_event_in_its_transaction(make_application):
    heard: list[PostEdited] = []
    application = make_application(extend=lambda config: config.add_subscriber(heard.append, PostEdited))
    browser = application.browser()
    enter(browser, "susan")
    post = post_ids(write(browser, "The kettle sings."))[0]
    change(browser, post, GERMAN)
    change(browser, post, GERMAN)
    assert [(each.post_id, each.body, each.language, each.version, each.imported) for each in heard] == [
        (post, GERMAN, "de", 2, False)
    ]


def test_an_edit_that_was_written_before_the_session_ended_is_found_after_the_log_in(
    application, susan, john, post
):
    form = susan.get(f"/posts/{post}/edit").forms["edit-form"]
    form["body"] = "The kettle hums."
    with application.database.write() as session:
        session.execute(sa.delete(LoginSession))
    form = form.submit(status=400).forms["login-form"]
    form["nickname"], form["password"] = "susan", PASSWORD
    page = form.submit(status=303).follow()
    assert page.request.path == f"/posts/{post}/edit"
    form = page.forms["edit-form"]
    assert (form["body"].value, form["version"].value) == ("The kettle hums.", "1")
    assert bodies(form.submit(status=303).follow()) == ["The kettle hums."]


def test_an_edit_that_waited_for_the_log_in_does_not_undo_a_later_one(application, susan, post):
    form = susan.get(f"/posts/{post}/edit").forms["edit-form"]
    form["body"] = "The kettle hums."
    with application.database.write() as session:
        session.execute(sa.delete(LoginSession))
        author = find_owner_id(session, "susan")
        assert author is not None
        edit(session, post, author, "The kettle is cold.", language=None, version=1)
    form = form.submit(status=400).forms["login-form"]
    form["nickname"], form["password"] = "susan", PASSWORD
    page = form.submit(status=303).follow().forms["edit-form"].submit(status=409)
    assert page.forms["edit-form"]["body"].value == "The kettle hums."
    assert "The kettle is cold." in page.text
