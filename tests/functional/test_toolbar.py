"""The debug toolbar of development.ini: its panels show our requests, and errors come through to it."""

from __future__ import annotations

import re

import pytest

from microblog.tree import Root
from tests.conftest import TOOLBAR
from tests.walk import enter, write

pytest.importorskip("pyramid_debugtoolbar")


def broken(request):
    request.dbsession.connection()
    raise RuntimeError("a fault of ours")


@pytest.fixture
def browser(make_application):
    application = make_application(
        TOOLBAR, extend=lambda config: config.add_view(broken, context=Root, name="broken")
    )
    return application.browser(REMOTE_ADDR="127.0.0.1")


def toolbar_of(browser, page):
    """The toolbar's page about this request."""
    (path,) = set(re.findall(r'href="http://localhost(/_debug_toolbar/\w+)"', page.text))
    return browser.get(path)


def test_the_panels_show_the_request(browser):
    enter(browser, "susan")
    page = write(browser, "Hello")
    toolbar = toolbar_of(browser, page)
    text = toolbar.html.get_text(" ")
    assert "FROM posts" in " ".join(text.split())
    assert "microblog.security.gate.gate_tween" in text
    explain = sorted(set(re.findall(r"/_debug_toolbar/\w+/sqlalchemy/explain/\d+", toolbar.text)))
    assert explain
    for path in explain:
        browser.get(path, status=200)


def test_the_performance_panel_profiles_when_it_is_ticked(browser):
    browser.set_cookie("pdtb_active", "performance")
    text = toolbar_of(browser, browser.get("/explore")).html.get_text(" ")
    assert "gate_tween" in text
    assert "explore" in text


def value(page, name):
    """What the page's script knows by this name."""
    (found,) = re.findall(rf'{name} *= *"([^"]*)"', page.text)
    return found


def test_an_error_comes_with_its_trace_and_a_console(browser, caplog):
    page = browser.get("/broken", status=500)
    assert "RuntimeError: a fault of ours" in page.text
    frame = re.findall(r'id="frame-(\d+)"', page.text)[-1]  # where it was raised
    root = value(page, "DEBUG_TOOLBAR_ROOT_PATH").removeprefix("http://localhost")
    console = f"{root}{value(page, 'REQUEST_ID')}/exception/execute/{frame}"
    answer = browser.get(console, {"cmd": "request.method + '!'"})
    assert "GET!" in answer.text
    caplog.clear()


def test_an_error_for_another_machine_gives_our_page_with_the_trace(make_application, caplog):
    application = make_application(
        TOOLBAR, extend=lambda config: config.add_view(broken, context=Root, name="broken")
    )
    page = application.browser(REMOTE_ADDR="192.0.2.7").get("/broken", status=500)
    assert page.html.h1.get_text() == "Something went wrong"
    assert "RuntimeError: a fault of ours" in page.html.select("pre.trace")[0].get_text()
    caplog.clear()


def test_an_address_that_cannot_be_decoded_is_refused_under_the_toolbar_too(browser):
    assert browser.get("/%ff", status=400).html.h1.get_text() == "That was not understood"


def test_the_toolbar_is_for_this_machine_alone(make_application):
    application = make_application(TOOLBAR)
    browser = application.browser(REMOTE_ADDR="192.0.2.7")
    assert "_debug_toolbar" not in browser.get("/explore").text
    browser.get("/_debug_toolbar/", status=404)


@pytest.mark.parametrize("path", ["/%FF", "/explore?q=%FF", "/_debug_toolbar/%FF"])
def test_an_address_that_is_not_utf8_is_no_fault_with_the_toolbar(browser, path):
    assert browser.get(path, status="*").status_int < 500
