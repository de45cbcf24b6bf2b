"""The headers of every kind of answer, and cookies."""

from __future__ import annotations

import pytest

from tests.walk import PASSWORD, enter, token

POLICY = {
    "default-src": "'none'",
    "base-uri": "'none'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "img-src": "'self'",
    "manifest-src": "'self'",
    "object-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
}
HTTPS = {"wsgi.url_scheme": "https", "HTTP_HOST": "localhost"}
KINDS = [
    ("/", 200),
    ("/posts/", 301),
    ("/account/profile", 303),
    ("/?before=abc", 400),
    ("/register?%ff", 400),
    ("/nothing", 404),
    ("/posts/1", 404),
    ("/static/app.css", 200),
    ("/static/nothing.css", 404),
]


def policy(response):
    return dict(each.split(" ", 1) for each in response.headers["Content-Security-Policy"].split("; "))


def test_a_room_may_let_pages_use_what_is_elsewhere(make_application):
    def extend(config):
        config.add_content_source("img-src", "https://pictures.example")
        config.add_content_source("media-src", "https://sounds.example")

    found = policy(make_application(extend=extend).browser().get("/"))
    assert found["img-src"] == "'self' https://pictures.example"
    assert found["media-src"] == "'self' https://sounds.example"


@pytest.mark.parametrize(("path", "status"), KINDS)
def test_every_response_has_the_headers_that_restrict_the_browser(browser, path, status):
    response = browser.get(path, status=status)
    assert policy(response) == POLICY
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "Strict-Transport-Security" not in response.headers


def test_a_picture_may_only_have_the_style_inside_it(browser):
    response = browser.get("/avatars/0123456789abcdef.svg")
    assert policy(response) == {
        "default-src": "'none'",
        "style-src": "'unsafe-inline'",
        "frame-ancestors": "'none'",
    }
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("method", "status"), [("POST", 400), ("PUT", 405), ("OPTIONS", 405), ("HEAD", 200), ("TRACE", 405)]
)
def test_responses_to_every_method_have_the_headers(browser, method, status):
    response = browser.request("/", method=method, status=status)
    assert policy(response) == POLICY


def test_responses_to_a_post_and_to_a_large_body_have_the_headers(browser):
    enter(browser, "susan")
    sent = browser.post("/posts/", {"csrf_token": token(browser), "body": "Hello"}, status=303)
    refused = browser.post("/posts/", {"csrf_token": token(browser), "body": ""}, status=422)
    too_large = browser.post("/posts/", {"body": "x" * 2_000_000}, status=413)
    assert policy(sent) == policy(refused) == policy(too_large) == POLICY


def test_no_page_needs_more_than_it_may(browser):
    """Nothing inline: no script, no style, no handler."""
    enter(browser, "susan")
    for path in ("/", "/explore", "/users/susan", "/search?q=x", "/account/profile", "/logout"):
        html = browser.get(path).html
        assert not html.select("script:not([src]), style, [style], iframe, object, embed, base"), path
        attributes = {name for element in html.find_all(True) for name in element.attrs}
        assert not {name for name in attributes if name.startswith("on")}, path


@pytest.mark.parametrize(("path", "status"), KINDS)
def test_over_https_the_browser_is_to_stay_there(application, path, status):
    response = application.browser(**HTTPS).get(path, status=status)
    assert response.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


@pytest.mark.parametrize("path", ["/", "/login", "/users/", "/search?q=x", "/nothing", "/?before=abc"])
def test_a_page_is_kept_by_nobody_and_depends_on_the_cookie(browser, path):
    """FOUNDATION 6, line 23: pages for everybody, too; those of one person are in test_access.py."""
    response = browser.get(path, status="*")
    assert response.headers["Cache-Control"] == "no-store"
    assert "Cookie" in response.headers["Vary"]


def test_a_static_file_may_be_kept_for_a_year_under_an_address_that_changes_with_it(browser):
    address = str(browser.get("/").html.select("link[rel=stylesheet]")[0]["href"])
    path, _, digest = address.partition("?")
    assert (path, len(digest) > 10) == ("/static/app.css", True)
    response = browser.get(address)
    assert response.content_type == "text/css"
    assert "max-age=31536000" in response.headers["Cache-Control"]
    assert "Set-Cookie" not in response.headers


def test_a_page_without_a_form_sets_no_cookie(browser):
    for path in ("/", "/explore", "/users/", "/search"):
        assert "Set-Cookie" not in browser.get(path).headers, path


def test_behind_https_every_cookie_is_bound_to_this_host(make_application):
    """FOUNDATION 6, line 7: __Host-, Secure, HttpOnly, SameSite=Lax."""
    browser = make_application({"microblog.cookies.secure": "true"}).browser(**HTTPS)
    form = browser.get("/register").forms["register-form"]
    lines = []
    form["nickname"], form["email"], form["password"] = "susan", "susan@example.com", PASSWORD
    response = form.submit(status=303)
    lines += response.headers.getall("Set-Cookie")
    page = response.follow()
    lines += page.headers.getall("Set-Cookie")
    out = page.forms["header-logout-form"].submit(status=303)
    lines += out.headers.getall("Set-Cookie")
    names = {line.partition("=")[0] for line in lines}
    assert names == {"__Host-session", "__Host-flash", "__Host-device"}
    for line in lines:
        attributes = {part.strip() for part in line.split(";")[1:]}
        # Also those that delete a cookie: a browser ignores them otherwise.
        assert {"secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= attributes, line
        assert not any(attribute.lower().startswith("domain") for attribute in attributes), line
    assert "__Host-session" not in browser.cookies


def test_a_visitors_cookie_is_bound_to_this_host_too(make_application):
    browser = make_application({"microblog.cookies.secure": "true"}).browser(**HTTPS)
    line = browser.get("/login").headers["Set-Cookie"]
    assert line.startswith("__Host-visitor=")
    assert {"secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= {part.strip() for part in line.split(";")}


def test_a_redirect_leads_to_the_host_that_was_asked(application):
    browser = application.browser(**HTTPS)
    assert browser.get("/posts/", status=301).headers["Location"] == "https://localhost/explore"


def test_under_a_prefix_every_link_keeps_it(application):
    browser = application.browser(SCRIPT_NAME="/blog")
    page = browser.get("/")
    links = [str(a["href"]) for a in page.html.select("a[href]")]
    assert all(link.startswith(("/blog/", "#")) for link in links), links
    assert page.html.select("link[rel=stylesheet][href^='/blog/static/']")
    assert browser.get("/explore/", status=301).headers["Location"] == "http://localhost/blog/explore"
