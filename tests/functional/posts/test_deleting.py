"""Deleting posts, by the words of the issue."""

from __future__ import annotations

import pytest

from tests.walk import bodies, enter, flashes, log_in, post_ids, token, write

NOT_FOUND = "Post not found."
NOT_YOURS = "You cannot delete this post."
DELETED = "Your post has been deleted."


@pytest.fixture
def susan(application):
    """Susan's browser, on her home page, with a post “Hello”."""
    browser = application.browser()
    enter(browser, "susan")
    write(browser, "Hello")
    return browser


@pytest.fixture
def post_id(susan):
    return post_ids(susan.get("/"))[0]


@pytest.fixture
def john(application):
    browser = application.browser()
    enter(browser, "john")
    return browser


def delete(browser, post_id, **fields):
    """POST what the confirmation sends."""
    fields["csrf_token"] = token(browser)
    return browser.post(f"/posts/{post_id}/delete", fields, status=303)


def test_deleting_by_the_link_asks_first_and_says_that_it_is_done(susan, post_id):
    page = susan.get("/").click("^Delete$")
    assert "Delete this post?" in page.html.select("h1")[0].text
    assert bodies(page) == ["Hello"]
    page = page.forms["delete-form"].submit(status=303).follow()
    assert flashes(page) == [DELETED]
    assert bodies(page) == []
    assert page.request.path == "/"


def test_a_deleted_post_is_gone(susan, post_id):
    delete(susan, post_id)
    page = susan.get(f"/posts/{post_id}", status=410)
    assert "This post was deleted." in page.text
    assert "Hello" not in page.text


def test_a_deleted_post_is_on_no_page(susan, post_id):
    delete(susan, post_id)
    for path in ("/", "/explore", "/users/susan"):
        assert bodies(susan.get(path)) == [], path


def test_the_message_is_gone_on_the_page_after_the_next(susan, post_id):
    assert flashes(delete(susan, post_id).follow()) == [DELETED]
    assert flashes(susan.get("/")) == []


def test_one_reads_the_confirmation_as_often_as_one_likes(susan, post_id):
    for _ in range(2):
        susan.get(f"/posts/{post_id}/delete", status=200)
        susan.head(f"/posts/{post_id}/delete", status=200)
    assert bodies(susan.get("/")) == ["Hello"]


def test_there_is_a_way_out_of_the_confirmation(susan, post_id):
    page = susan.get("/users/susan").click("^Delete$").click("^Keep it$")
    assert page.request.path == "/users/susan"
    assert bodies(page) == ["Hello"]


def test_deleting_what_is_not_there_says_so_on_the_home_page(susan):
    response = delete(susan, 12345)
    assert response.location == "http://localhost/"
    assert flashes(response.follow()) == [NOT_FOUND]


def test_deleting_what_is_not_there_goes_where_the_form_says(susan):
    response = delete(susan, 12345, next="/explore")
    page = response.follow()
    assert page.request.path == "/explore"
    assert flashes(page) == [NOT_FOUND]


@pytest.mark.parametrize("name", ["abc", "0012", "-1", "1" * 30, "%D9%A1%D9%A2", "12.5"])
def test_an_invalid_post_id_is_a_404(susan, name):
    assert flashes(delete(susan, name).follow()) == [NOT_FOUND]


def test_the_confirmation_of_what_is_not_there_is_not_found(susan):
    page = susan.get("/posts/12345/delete", status=404)
    assert NOT_FOUND in page.text


def test_deleting_a_post_in_two_tabs_says_in_the_second_that_it_is_gone(susan, post_id):
    tabs = [susan.get(f"/posts/{post_id}/delete") for _ in range(2)]
    assert flashes(tabs[0].forms["delete-form"].submit(status=303).follow()) == [DELETED]
    assert flashes(tabs[1].forms["delete-form"].submit(status=303).follow()) == [NOT_FOUND]


def test_somebody_elses_post_stays(susan, john, post_id):
    response = delete(john, post_id)
    assert response.location == "http://localhost/"
    assert flashes(response.follow()) == [NOT_YOURS]
    assert bodies(susan.get("/")) == ["Hello"]


def test_the_refusal_goes_where_the_form_says(susan, john, post_id):
    page = delete(john, post_id, next="/users/susan").follow()
    assert page.request.path == "/users/susan"
    assert flashes(page) == [NOT_YOURS]
    assert bodies(page) == ["Hello"]


def test_the_confirmation_for_somebody_elses_post_is_refused_with_a_sentence(susan, john, post_id):
    page = john.get(f"/posts/{post_id}/delete", status=403)
    assert NOT_YOURS in page.text


def test_only_ones_own_posts_have_the_link(susan, john, application):
    write(john, "Mine")
    explore = john.get("/explore")
    assert bodies(explore) == ["Mine", "Hello"]
    articles = explore.html.select("[data-post-id]")
    assert [bool(article.select(".post-delete")) for article in articles] == [True, False]
    assert not application.browser().get("/explore").html.select(".post-delete")


@pytest.mark.parametrize("path", ["/", "/explore", "/users/susan", "/explore?before=9000000000000000000"])
def test_after_deleting_one_is_back_where_one_was(susan, post_id, path):
    confirmation = susan.get(path).click("^Delete$")
    response = confirmation.forms["delete-form"].submit(status=303)
    assert response.location == f"http://localhost{path}"
    assert flashes(response.follow()) == [DELETED]


def test_deleting_on_the_posts_own_page_leads_to_the_profile(susan, post_id):
    confirmation = susan.get(f"/posts/{post_id}").click("^Delete$")
    page = confirmation.forms["delete-form"].submit(status=303).follow()
    assert page.request.path == "/users/susan"
    assert flashes(page) == [DELETED]


@pytest.mark.parametrize(
    "own", ["/posts/{id}", "/posts/{id}/", "/posts/{id}?x=1", "/posts/{id}#top", "/posts/{id}/delete"]
)
def test_the_posts_own_pages_do_not_count(susan, post_id, own):
    target = own.format(id=post_id)
    confirmation = susan.get(f"/posts/{post_id}/delete", {"next": target})
    assert "next" not in confirmation.forms["delete-form"].fields
    response = delete(susan, post_id, next=target)
    assert response.location == "http://localhost/"
    assert flashes(response.follow()) == [DELETED]


def test_the_page_of_another_post_counts(susan, post_id):
    other = post_ids(write(susan, "Another"))[0]
    response = delete(susan, post_id, next=f"/posts/{other}")
    assert flashes(response.follow()) == [DELETED]
    assert response.location == f"http://localhost/posts/{other}"


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "/\\evil.example", "evil"])
def test_a_deletion_never_redirects_to_another_site(susan, post_id, target):
    assert delete(susan, post_id, next=target).location == "http://localhost/"


def test_next_in_the_address_counts_when_the_form_has_none(susan, post_id):
    fields = {"csrf_token": token(susan)}
    response = susan.post(f"/posts/{post_id}/delete?next=/explore", fields, status=303)
    assert response.location == "http://localhost/explore"


def test_a_visitor_is_asked_to_log_in_and_nothing_is_deleted(application, susan, post_id):
    visitor = application.browser()
    for missing_or_not in (post_id, 12345):
        page = visitor.post(
            f"/posts/{missing_or_not}/delete", {"csrf_token": token(visitor, "/login")}, status=403
        )
        assert flashes(page)[0].startswith("You are not logged in. Nothing was done.")
    assert bodies(susan.get("/")) == ["Hello"]


def test_a_visitor_who_opened_the_confirmation_comes_back_to_it(application, susan, post_id):
    visitor = application.browser()
    visitor.get(f"/posts/{post_id}/delete", status=303)
    form = visitor.get(f"/posts/{post_id}/delete", status=303).follow().forms["login-form"]
    form["nickname"], form["password"] = "susan", "correct horse battery staple"
    assert "Delete this post?" in form.submit(status=303).follow().text


def test_a_field_that_the_form_does_not_have_deletes_nothing(susan, post_id):
    fields = {"csrf_token": token(susan), "everything": "yes"}
    page = susan.post(f"/posts/{post_id}/delete", fields, status=400)
    assert page.html.select(".sentence")[0].text == "This form has no field called 'everything'."
    assert bodies(susan.get("/")) == ["Hello"]


def test_the_number_of_posts_follows(susan, post_id):
    assert "1 post" in susan.get("/users/susan").html.select(".counts")[0].get_text(" ", strip=True)
    delete(susan, post_id)
    assert "0 posts" in susan.get("/users/susan").html.select(".counts")[0].get_text(" ", strip=True)


def test_somebody_who_logs_in_again_still_owns_the_post(application, susan, post_id):
    again = application.browser()
    assert log_in(again, "susan").status_int == 303
    assert flashes(delete(again, post_id).follow()) == [DELETED]
