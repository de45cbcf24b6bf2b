"""Answering posts, and conversations: what one sees of them."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from microblog.accounts.models import LoginSession
from microblog.posts.queries import delete_post
from tests.competing import before_the_next_write
from tests.walk import PASSWORD, bodies, enter, flashes, post_ids, token, write


def reply(browser, post_id, body):
    """Answer on the page of the post; the page that comes then."""
    form = browser.get(f"/posts/{post_id}").forms[f"reply-form-{post_id}"]
    form["body"] = body
    return form.submit(status=303).follow()


def delete(browser, post_id):
    browser.get(f"/posts/{post_id}/delete").forms["delete-form"].submit(status=303)


@pytest.fixture
def post(susan):
    """A post of susan."""
    return post_ids(write(susan, "What do you read?"))[0]


def test_a_reply_stands_below_its_post_the_oldest_first(susan, john, post):
    page = reply(john, post, "A book about Pyramid")
    assert flashes(page) == ["Your reply is now live!"]
    reply(susan, post, "Which?")
    page = john.get(f"/posts/{post}")
    assert bodies(page) == ["What do you read?", "A book about Pyramid", "Which?"]
    assert page.html.select_one(f"#reply-{post} .react-count")["aria-label"] == "2 replies"


def test_a_reply_shows_what_it_answers_above_it(susan, john, post):
    answer = post_ids(reply(john, post, "A book"))[1]
    page = susan.get(f"/posts/{answer}")
    assert bodies(page) == ["What do you read?", "A book"]
    assert page.html.select_one(".answered [data-post-id]")["data-post-id"] == str(post)


def test_a_reply_survives_the_deletion_of_its_post_and_does_not_show_it(susan, john, post):
    answer = post_ids(reply(john, post, "A book"))[1]
    delete(susan, post)
    page = john.get(f"/posts/{answer}")
    assert bodies(page) == ["A book"]
    assert page.html.select_one(".answered").get_text(strip=True) == "This post was deleted."
    page = john.get(f"/posts/{post}", status=410)
    assert bodies(page) == ["A book"]
    assert "What do you read" not in page.text


def test_the_number_of_replies_follows_deletions(susan, john, post):
    first, second = (post_ids(reply(john, post, body))[-1] for body in ("One", "Two"))
    delete(john, first)
    assert "1 reply" in john.get(f"/posts/{post}").text
    delete(john, second)
    assert "Nobody has replied yet." in john.get(f"/posts/{post}").text


def test_a_reply_to_a_post_that_was_deleted_meanwhile_is_refused_and_kept(susan, john, post):
    form = john.get(f"/posts/{post}").forms[f"reply-form-{post}"]
    form["body"] = "A book about Pyramid"
    delete(susan, post)
    page = form.submit(status=409)
    assert "was deleted meanwhile" in page.text
    assert page.forms[f"reply-form-{post}"]["body"].value == "A book about Pyramid"


def test_an_empty_reply_is_refused(john, post):
    form = john.get(f"/posts/{post}").forms[f"reply-form-{post}"]
    form["body"] = " "
    page = form.submit(status=422)
    assert "a post cannot be empty" in page.text
    assert bodies(page) == ["What do you read?"]


def test_a_reply_that_is_sent_twice_is_one(john, post):
    form = john.get(f"/posts/{post}").forms[f"reply-form-{post}"]
    form["body"] = "A book"
    first, second = form.submit(status=303), form.submit(status=303)
    assert first.location == second.location
    assert bodies(first.follow()) == ["What do you read?", "A book"]


def test_a_visitor_reads_a_conversation_and_is_asked_to_log_in(application, john, post):
    reply(john, post, "A book")
    page = application.browser().get(f"/posts/{post}")
    assert bodies(page) == ["What do you read?", "A book"]
    assert f"reply-form-{post}" not in page.forms
    assert page.click("Log in", href="next=").request.path == "/login"


def test_the_address_of_the_replies_leads_to_the_post(john, post):
    assert john.get(f"/posts/{post}/replies", status=303).location.endswith(f"/posts/{post}")


def test_home_shows_replies_between_people_one_follows(application, susan, john, post):
    reply(john, post, "A book")
    reader = application.browser()
    enter(reader, "grace")
    reader.get("/users/john").forms["follow-form"].submit()
    assert bodies(reader.get("/")) == []
    reader.get("/users/susan").forms["follow-form"].submit()
    assert bodies(reader.get("/")) == ["A book", "What do you read?"]


def test_home_shows_ones_own_replies_and_those_to_oneself(susan, john, post):
    reply(john, post, "A book")
    assert bodies(john.get("/")) == ["A book"]
    assert bodies(susan.get("/")) == ["What do you read?"]
    susan.get("/users/john").forms["follow-form"].submit()
    assert bodies(susan.get("/")) == ["A book", "What do you read?"]


def test_a_profile_has_posts_and_also_the_replies(john, post):
    write(john, "Good morning")
    reply(john, post, "A book")
    page = john.get("/users/john")
    assert bodies(page) == ["Good morning"]
    page = page.click("Posts and replies")
    assert bodies(page) == ["A book", "Good morning"]
    assert page.html.select_one(".post-answers").get_text() == "Replying to @susan"


def test_a_reply_without_its_token_is_refused(john, post):
    assert token(john)
    john.post(f"/posts/{post}/replies", {"body": "x"}, status="4*")
    assert "Nobody has replied yet." in john.get(f"/posts/{post}").text


def test_the_language_of_a_reply_can_be_chosen(john, post, database):
    form = john.get(f"/posts/{post}").forms[f"reply-form-{post}"]
    form["body"], form["language"] = "Ein Buch", "de"
    page = form.submit(status=303).follow()
    assert page.html.select('.post-body[lang="de"]')
    assert (
        john.get(f"/posts/{post}").forms[f"reply-form-{post}"]["language"].options[1][0] == "de"
    )  # now among the first


def test_a_deletion_at_the_last_moment_is_noticed(application, john, post):
    form = john.get(f"/posts/{post}").forms[f"reply-form-{post}"]
    form["body"] = "A book about Pyramid"

    def delete_it():
        with application.database.write() as session:
            delete_post(session, int(post))

    with before_the_next_write(application.database, delete_it):
        page = form.submit(status=409)
    assert "was deleted meanwhile" in page.text
    assert page.forms[f"reply-form-{post}"]["body"].value == "A book about Pyramid"


def test_a_reply_that_was_written_before_the_session_ended_is_found_after_the_log_in(application, john, post):
    form = john.get(f"/posts/{post}").forms[f"reply-form-{post}"]
    form["body"] = "A book about Pyramid"
    with application.database.write() as session:
        session.execute(sa.delete(LoginSession))
    form = form.submit(status=400).forms["login-form"]
    form["nickname"], form["password"] = "john", PASSWORD
    page = form.submit(status=303).follow()
    assert page.forms[f"reply-form-{post}"]["body"].value == "A book about Pyramid"
    page = page.forms[f"reply-form-{post}"].submit(status=303).follow()
    assert bodies(page) == ["What do you read?", "A book about Pyramid"]


def test_the_form_of_a_reply_that_was_kept_is_nobody_elses(application, john, post):
    assert application.browser().get(f"/posts/{post}/replies?kept=1", status=303).location.count("/login")
    page = john.get(f"/posts/{post}/replies?kept=1", status=303).follow()
    assert page.request.path == f"/posts/{post}"
