"""A site below a mount point: whatever a page leads to is there, too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from webtest import TestApp, TestResponse

import microblog
from microblog.accounts.models import User
from tests.walk import enter, log_in, token, write

HOST = "http://localhost"
BLOG = "/blog"
STATIC = Path(microblog.__file__).parent / "web" / "static"
ATTRIBUTES = ("href", "src", "action", "formaction", "content", "srcset")


@pytest.fixture
def susan(application):
    """Somebody who has written, follows and is an admin, below the mount point."""
    enter(application.browser(SCRIPT_NAME=BLOG), "john")
    browser = application.browser(SCRIPT_NAME=BLOG)
    enter(browser, "susan")
    with application.database.write() as session:
        session.query(User).update({"is_admin": True, "about_me": "@john, see https://example.org"})
    page = browser.get("/users/john")
    page.forms["follow-form"].submit(status=303)
    for number in range(3):
        write(browser, f"{number}: @john at https://example.org/@john and example.org")
    return browser


def addresses(page: TestResponse) -> Iterator[str]:
    """All that a page leads to, wherever it says so."""
    for element in page.html.find_all(True):
        for name in ATTRIBUTES:
            value = str(element.get(name, ""))
            if value.startswith("/") or value.startswith(HOST):
                yield value
    for field in page.html.select("input[name=next]"):
        yield str(field["value"])


def read_all(browser: TestApp, *begin: str) -> dict[str, set[str]]:
    """Every page that can be reached, and what leads from it out of the mount point."""
    pending = list(begin)
    read: dict[str, set[str]] = {}
    while pending:
        path = pending.pop()
        if path in read or len(read) > 150:
            continue
        read[path] = set()
        answer = browser.get(path, status="*")
        assert answer.status_int < 500, path
        found = [answer.headers["Location"]] if "Location" in answer.headers else []
        if answer.content_type == "text/html":
            found += addresses(answer)
        for address in found:
            parts = urlsplit(address.removeprefix(HOST))
            if not parts.path.startswith(f"{BLOG}/"):
                read[path].add(address)
            elif "/static/" not in parts.path:
                pending.append(parts.path + (f"?{parts.query}" if parts.query else ""))
    return read


@pytest.mark.parametrize("who", ["susan", "a visitor"])
def test_every_page_below_a_mount_point_leads_to_pages_below_it(application, susan, who):
    browser = susan if who == "susan" else application.browser(SCRIPT_NAME=BLOG)
    read = read_all(
        browser, "/blog/", "/blog/search?q=john&order=best", "/blog/nothing", "/blog/posts/", "/blog/admin/"
    )
    assert len(read) > 15
    assert {path: found for path, found in read.items() if found} == {}


def test_mentions_and_links_of_a_post_lead_below_the_mount_point_and_to_the_web(susan, application):
    for path in ("/explore", "/users/susan", "/search?q=john"):
        page = susan.get(path)
        assert {str(a["href"]) for a in page.html.select(".post-body a")} == {
            "/blog/users/john",
            "https://example.org/@john",
            "http://example.org",
        }
    for path in ("/users/susan", "/users/"):
        mentions = susan.get(path).html.select(".profile-about a.mention, .person-about a.mention")
        assert {str(a["href"]) for a in mentions} == {"/blog/users/john"}
    # The same text at the root leads elsewhere, although it was rendered a moment ago.
    page = application.browser().get("/explore")
    assert {str(a["href"]) for a in page.html.select(".post-body a.mention")} == {"/users/john"}


def test_every_form_below_a_mount_point_is_answered_with_a_page_below_it(application, susan):
    answers = [
        susan.get("/").forms["compose-form"].submit(status=422),
        susan.post("/posts/", {"body": "one", "csrf_token": token(susan)}, status=303),
        susan.get("/account/profile").forms["profile-form"].submit(status=303),
        susan.get("/users/john").forms["follow-form"].submit(status=303),
    ]
    page = susan.get("/users/susan").click("Delete", index=0)
    answers.append(page.forms["delete-form"].submit(status=303))
    answers.append(susan.get("/").forms["header-logout-form"].submit(status=303))
    answers.append(log_in(susan, "susan"))
    for answer in answers:
        if "Location" in answer.headers:
            assert answer.headers["Location"].startswith(f"{HOST}{BLOG}/"), answer.request.url


def test_cookies_reach_every_page_below_a_mount_point(application):
    browser = application.browser(SCRIPT_NAME=BLOG)
    enter(browser, "susan")
    lines = log_in(application.browser(SCRIPT_NAME=BLOG), "susan").headers.getall("Set-Cookie")
    # `__Host-` demands this path; a browser sends it for /blog/ too.
    assert lines
    assert all("Path=/;" in f"{line};".replace("; ", ";") for line in lines)
    assert browser.get("/account/profile", status=200)


def test_script_and_styles_know_no_address_of_the_site():
    for name in ("app.js", "app.css"):
        text = (STATIC / name).read_text(encoding="utf-8")
        assert re.findall(r"""['"`(]/[a-z][^'"`)]*['"`)]""", text) == []
