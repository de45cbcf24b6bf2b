"""Posts of whomever that link somewhere, changed together; and one post, from its page."""

from __future__ import annotations

import pytest

from microblog.ids import new_id
from microblog.posts.queries import add_posts
from tests.walk import bodies, flashes, post_ids, token, write


@pytest.fixture
def maria(enter_as):
    return enter_as("maria", "moderator")


@pytest.fixture
def posts(enter_as):
    """The ids of posts by their authors."""
    texts = {
        "susan": "Look: https://shop.example/tea",
        "john": "http://www.SHOP.example/",
        "mary": "https://shop.example.org/",
    }
    return {name: post_ids(write(enter_as(name), text))[0] for name, text in texts.items()}


def open_list(browser, link):
    page = browser.get("/admin/posts/")
    form = page.forms["link-form"]
    form["link"] = link
    return form.submit()


def listed(page):
    return [int(box["value"]) for box in page.html.select("[name=post]")]


def change(page, do, *ids, reason="Spam", status=303):
    form = page.forms["posts-form"]
    for field in form.fields["post"]:
        field.checked = int(field._value) in ids
    form["reason"] = reason
    return form.submit("do", value=do, status=status)


def test_posts_of_everybody_with_a_link_are_found_and_changed_together(maria, posts, enter_as):
    page = open_list(maria, "https://shop.example")
    assert listed(page) == [posts["john"], posts["susan"]]
    page = change(page, "hide", posts["john"], posts["susan"]).follow()
    assert flashes(page) == ["2 posts were changed."]
    assert listed(page) == [posts["john"], posts["susan"]]  # to show them again
    assert bodies(enter_as("peter").get("/explore")) == ["https://shop.example.org/"]
    change(page, "delete", posts["john"])
    assert listed(open_list(maria, "shop.example")) == [posts["susan"]]


@pytest.mark.parametrize(
    ("link", "names"),
    [
        ("shop.example/tea", ["susan"]),
        ("SHOP.example/TEA/", ["susan"]),
        ("shop.example.org", ["mary"]),
        ("example", ["john", "susan"]),
        ("https://", []),
        ("nowhere.example", []),
    ],
)
def test_a_link_is_found_by_its_site_or_its_beginning(maria, posts, link, names):
    assert listed(open_list(maria, link)) == [posts[name] for name in names]


def test_before_something_is_looked_for_nothing_is_listed(maria, posts):
    page = maria.get("/admin/posts/")
    assert listed(page) == []
    assert "No posts" not in page
    assert "No posts" in open_list(maria, "nowhere.example")


def test_posts_of_admins_and_of_oneself_stay(maria, posts, enter_as):
    admin = post_ids(write(enter_as("grace", "admin"), "https://shop.example/grace"))[0]
    own = post_ids(write(maria, "https://shop.example/maria"))[0]
    page = change(open_list(maria, "shop.example"), "hide", admin, own, posts["john"]).follow()
    assert flashes(page) == [
        "1 post was changed.",
        "Posts of admins, of yourself and, unless you are an admin, of moderators are as before.",
    ]
    maria.get(f"/posts/{admin}", status=200)
    maria.get(f"/posts/{posts['john']}", status=410)


def test_what_was_chosen_is_there_again_when_it_is_refused(maria, posts):
    page = change(open_list(maria, "shop.example"), "hide", posts["susan"], reason=" ", status=422)
    assert "Say why: other moderators read it later." in page
    assert [int(box["value"]) for box in page.html.select("[name=post][checked]")] == [posts["susan"]]
    form = {"post": "x", "do": "hide", "reason": "Spam", "csrf_token": token(maria)}
    assert "This form is broken." in maria.post("/admin/posts/", form, status=422)
    assert "This form is broken." in maria.post("/admin/people/susan/posts", form, status=422)


def test_among_very_many_posts_one_looks_further(maria, posts, enter_as, database):
    author = enter_as("peter").id
    with database.write() as session:
        rows = [{"id": new_id(), "user_id": author, "body": "Hello", "language": None} for _ in range(10_300)]
        add_posts(session, rows)
    page = open_list(maria, "shop.example")
    assert listed(page) == []
    assert "None among the newest ones. Look further." in page
    assert listed(page.click("Older")) == [posts["john"], posts["susan"]]


def test_from_its_page_a_moderator_comes_to_what_can_be_done_with_a_post(maria, posts, enter_as):
    page = maria.get(f"/posts/{posts['susan']}").click("Moderate").follow()
    assert page.request.path == "/admin/people/susan/posts"
    assert [int(box["value"]) for box in page.html.select("[name=post][checked]")] == [posts["susan"]]
    page.forms["posts-form"]["reason"] = "Spam"
    page.forms["posts-form"].submit("do", value="hide", status=303)
    john = enter_as("peter")
    john.get(f"/posts/{posts['susan']}", status=410)
    assert not john.get(f"/posts/{posts['john']}").html.select('a[href$="/moderate"]')


@pytest.mark.parametrize("path", ["/admin/posts/1", "/admin/audit/1"])
def test_there_is_no_page_of_one_of_them(maria, path):
    maria.get(path, status=404)
