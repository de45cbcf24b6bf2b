"""Writing posts and reading them."""

from __future__ import annotations

from tests.walk import bodies, flashes, sign_up, write


def test_a_post_is_on_the_home_page_of_its_author(browser):
    sign_up(browser, "susan")
    page = write(browser, "Hello, world")
    assert bodies(page) == ["Hello, world"]
    assert flashes(page) == ["Your post is now live!"]


def test_the_home_page_takes_at_most_four_statements(browser, count_statements):
    sign_up(browser, "susan")
    write(browser, "Hello, world")
    with count_statements() as statements:
        page = browser.get("/")
    assert bodies(page) == ["Hello, world"]
    assert len(statements) <= 4, statements
