"""When something fails: what the person sees, what a program gets, what the log and the admins have."""

from __future__ import annotations

import email
import logging
import re
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from babel import Locale
from pyramid.httpexceptions import (
    HTTPForbidden,
    HTTPGone,
    HTTPServiceUnavailable,
    HTTPTooManyRequests,
)
from pyramid.response import Response
from pyramid_retry import RetryableException, mark_error_retryable
from zope.interface import implementer

from microblog.accounts.models import User
from microblog.alerts.interfaces import get_alerts
from microblog.i18n import Language
from microblog.search.interfaces import ISearchFeed
from microblog.tree import Container, Root
from microblog.web import errors
from microblog.web.hints import HINTS
from microblog.web.times import format_moment
from tests.conftest import Application, counted_statements
from tests.sink import Sink
from tests.walk import PASSWORD, enter, token

SECRET = "my very secret text"


def broken(request):
    raise ValueError(f"cannot use {request.params.get('body')!r}")


def writing(request):
    request.begin_write().execute(sa.update(User).values(about_me="written by mistake"))
    raise ValueError("broken after writing")


def gone(request):
    raise HTTPGone()


def limited(request):
    raise HTTPTooManyRequests("You may write ten posts a minute.", headers={"Retry-After": "17"})


def limited_somehow(request):
    raise HTTPTooManyRequests()


def away(request):
    raise HTTPServiceUnavailable()


def closed(request):
    raise HTTPForbidden()


def busy(request):
    error = sa.exc.OperationalError("SELECT 1", {}, Exception("locked"))
    mark_error_retryable(error)
    raise error


VIEWS = (broken, writing, gone, limited, limited_somehow, away, closed, busy)


class Api(Container):
    """What will be the other wing of the tree."""


def add_views(config):
    config.add_branch("api", Api)
    for view in VIEWS:
        for context in (Root, Api):
            config.add_view(view, context=context, name=view.__name__, request_method=("GET", "POST"))


@pytest.fixture
def build(make_application, tmp_path):
    """An application with broken views, whose alerts become files; each is a mail of `mails(…)`."""

    def build(extend=add_views, **settings):
        values = {
            "microblog.admins": "admin@example.org",
            "microblog.mail.folder": str(tmp_path / "mail"),
            **{f"microblog.{key}": value for key, value in settings.items()},
        }
        application = make_application(values, extend=extend)
        built.append(application)
        return application

    built: list[Application] = []
    yield build
    for application in built:
        get_alerts(application.registry).close()


@pytest.fixture
def mails(tmp_path):
    def mails(application):
        get_alerts(application.registry).work()
        folder = tmp_path / "mail"
        files = sorted(folder.iterdir()) if folder.exists() else []
        return [email.message_from_bytes(f.read_bytes(), EmailMessage, policy=SMTP) for f in files]

    return mails


@pytest.fixture
def log(caplog):
    """The log; cleared at the end, since records keep what failed alive."""
    caplog.set_level(logging.INFO, "microblog")
    yield caplog
    caplog.clear()


def incident_of(page):
    return page.html.select_one(".incident code").get_text()


# The page


def test_the_page_of_a_fault_has_its_number_and_no_trace(build, log):
    page = build().browser().get("/broken", status=500)
    assert re.fullmatch("[0-9a-f]{8}", incident_of(page))
    assert page.html.h1.get_text() == "Something went wrong"
    assert "ValueError" not in page
    assert "Traceback" not in page
    assert page.html.html["lang"] == "en"
    assert [a.get_text() for a in page.html.select(".buttons a")] == ["Try again", "Go to the front page"]


@pytest.mark.parametrize(
    ("contact", "href"),
    [
        ("admin@example.org", "mailto:admin@example.org?subject=Incident%20"),
        ("https://example.org/help", "https://example.org/help"),
        ("the porter, <room 5>", None),
    ],
)
def test_the_error_page_names_the_contact(build, log, contact, href):
    page = build(contact=contact).browser().get("/broken", status=500)
    assert contact in page.html.select_one(".incident").get_text()
    links = [a["href"] for a in page.html.select(".incident a")]
    assert len(links) == (href is not None)
    assert href is None or links[0].startswith(href)


def test_the_page_needs_neither_the_database_nor_to_know_who_reads_it(build, log):
    application = build()
    browser = application.browser()
    enter(browser, "susan")
    with counted_statements(application.database) as statements:
        page = browser.get("/broken", status=500)
    assert statements == []
    assert page.html.select(".site-nav") == []
    assert "susan" not in page


def test_writes_before_a_fault_are_rolled_back(build, log):
    application = build()
    browser = application.browser()
    enter(browser, "susan")
    browser.post("/writing", {"csrf_token": token(browser)}, status=500)
    with application.database.read() as session:
        assert session.scalar(sa.select(User.about_me)) != "written by mistake"


def test_the_page_leads_to_no_other_site(build, log):
    def elsewhere(config):
        config.add_branch("elsewhere.example", Api)
        config.add_view(broken, context=Api, name="broken")

    path = {"PATH_INFO": "//elsewhere.example/broken"}
    page = build(elsewhere).browser().get("/", extra_environ=path, status=500)
    assert [a["href"] for a in page.html.select("a")] == ["/", "/"]


def test_when_even_the_page_fails_there_is_a_last_resort(build, log, mails):
    def no_template(request):
        raise RuntimeError("no template")

    def extend(config):
        add_views(config)
        config.add_template_global("broken", no_template)

    application = build(extend)
    page = application.browser().get("/broken", status=500)
    assert page.html.h1.get_text() == "Something went wrong"
    assert (page.html.html["lang"], page.html.html["dir"]) == ("en", "ltr")
    assert page.html.p.get_text() == errors.SENTENCES[500]
    assert page.headers["Content-Security-Policy"]
    assert "The error page failed, too." in log.text
    page = application.browser(SCRIPT_NAME="/blog").get("/blog/nothing", status=500)
    assert [a["href"] for a in page.html.select("a")] == ["/blog/"]
    assert len(mails(application)) == 2


@pytest.fixture
def without_templates(build, log, tmp_path):
    """An application whose pages all fail, in English, the languages of the site and a broken one."""
    catalogue = tmp_path / "fr" / "LC_MESSAGES" / "broken.po"
    catalogue.parent.mkdir(parents=True)
    catalogue.write_bytes(b'msgid "Post"\nmsgstr "\xff"\n')

    def fail(request):
        raise RuntimeError("no template")

    def extend(config):
        add_views(config)
        config.add_language(Language(Locale("fr"), [tmp_path]))
        config.add_template_global("broken", fail)

    return build(extend)


@pytest.mark.parametrize(
    ("chosen", "accepted", "language", "title"),
    [
        ("", "de-AT,en;q=0.5", ("de", "ltr"), "Etwas ist schiefgegangen"),
        ("language=ar", "de", ("ar", "rtl"), None),
        ("%ff=%ff", "\xff;;q=x", ("en", "ltr"), "Something went wrong"),
        ("", "fr", ("en", "ltr"), "Something went wrong"),
    ],
    ids=["asked for", "chosen", "unreadable", "a catalogue that cannot be read"],
)
def test_the_last_resort_is_in_the_language_of_its_reader(
    without_templates, chosen, accepted, language, title
):
    browser = without_templates.browser()
    browser.set_cookie("preferences", chosen)
    with counted_statements(without_templates.database) as statements:
        page = browser.get("/broken", headers={"Accept-Language": accepted}, status=500)
    assert statements == []
    assert (page.html.html["lang"], page.html.html["dir"]) == language
    assert title is None or page.html.h1.get_text() == title
    assert [a["href"] for a in page.html.select("a")] == ["/"]


def test_a_reader_of_any_language_gets_a_page(build, log):
    browser = build().browser()
    for languages, tag in (("de, fr;q=0.5", "de"), ("en-GB", "en"), ("*", "en"), (",,;q=x", "en")):
        page = browser.get("/broken", headers={"Accept-Language": languages}, status=500)
        assert page.html.html["lang"] == tag


def test_the_page_of_a_fault_says_when_in_the_language_and_the_zone_of_the_reader(build, log):
    application = build()
    browser = application.browser()
    enter(browser, "susan")
    form = browser.get("/preferences").forms["preferences-form"]
    form["language"], form["time_zone"] = "de", "Asia/Kathmandu"
    form.submit(status=303)
    with counted_statements(application.database) as statements:
        time = browser.get("/broken", status=500).html.select_one(".incident time")
    assert statements == []
    when = datetime.fromisoformat(time["datetime"])
    assert time.get_text() == format_moment(when, "de", ZoneInfo("Asia/Kathmandu"))
    visitor = application.browser().get("/broken", headers={"Accept-Language": "es"}, status=500)
    assert visitor.html.select_one(".incident time").get_text().endswith(" UTC")


# All errors, as pages and as JSON

ANSWERS = [
    ("GET", "/nothing", 404, "There is nothing at this address."),
    ("GET", "/closed", 403, "You may not do this."),
    ("PUT", "/gone", 405, "This page cannot be opened in this way. Open it from one of our own pages."),
    ("GET", "/gone", 410, "What was at this address is gone for good."),
    ("GET", "/limited", 429, "You may write ten posts a minute."),
    (
        "GET",
        "/limited_somehow",
        429,
        "These were too many requests in a short time. Wait a little, and try again.",
    ),
    ("GET", "/away", 503, errors.SENTENCES[503]),
    ("GET", "/busy", 503, errors.SENTENCES[503]),
    ("GET", "/?q=%ff", 400, "This address has characters that are not UTF-8."),
    ("POST", "/gone", 400, "This form is too old, or your browser keeps no cookies, so nothing was done. "),
    ("POST large", "/gone", 413, "This is larger than the 1,000 bytes that are accepted here."),
]


# Below /api cookies are not read, so susan is nobody there.
OF_NOBODY = {
    ("GET", "/closed"): "Send valid credentials in the header Authorization.",
    ("POST", "/gone"): "Send credentials in the header Authorization: cookies are not read here.",
}


def ask(browser, method, path, status):
    if method == "GET":
        return browser.get(path, status=status)
    body = b"x=" + b"x" * 2000 if method == "POST large" else b""
    return browser.request(path, method=method.split()[0], body=body, status=status)


@pytest.fixture
def susan(build, log):
    """The browser of somebody who is logged in, on a site where much fails."""
    browser = build(max_body="1000").browser()
    enter(browser, "susan")
    return browser


def test_a_page_of_an_error_says_what_to_do_next(susan):
    for method, path, status, _ in ANSWERS:
        page = ask(susan, method, path, status)
        hint = page.html.select_one(".error-hint")
        assert (hint and hint.get_text()) == HINTS.get(status), path
        buttons = [link.get_text() for link in page.html.select(".error-page .buttons a")]
        assert buttons == [
            *(["Try again"] if status in (429, 503) else []),
            "Go to the front page",
            *(["Search", "Help"] if status in (403, 404, 410) else []),
        ], path


def test_every_refusal_is_a_page_with_a_sentence(susan):
    for method, path, status, sentence in ANSWERS:
        page = ask(susan, method, path, status)
        seen = (page.status_int, page.content_type, page.html.h1.get_text())
        assert seen == (status, "text/html", errors.TITLES[status]), path
        assert page.html.select_one(".sentence").get_text().startswith(sentence), path
        assert page.html.select(".incident") == [], path
        assert bool(page.html.select(".site-nav")) == (status < 500), path


def test_every_refusal_is_json_below_api(susan):
    for method, path, page_status, page_sentence in ANSWERS:
        sentence = OF_NOBODY.get((method, path), page_sentence)
        status = 401 if (method, path) in OF_NOBODY else page_status
        answer = ask(susan, method, f"/api{path}", status)
        seen = (answer.status_int, answer.content_type, answer.headers["Cache-Control"])
        assert seen == (status, "application/json", "no-store"), path
        error = answer.json["error"]
        assert (error["status"], error["title"], error["incident"]) == (status, errors.TITLES[status], None)
        assert error["message"].startswith(sentence), path


def test_an_address_that_cannot_be_decoded_is_refused_in_both_ways(browser):
    assert browser.get("/%ff", status=400).html.h1.get_text() == errors.TITLES[400]
    answer = browser.get("/api/%ff", status=400)
    assert answer.json["error"]["message"] == "This address has characters that are not UTF-8."


def test_a_429_says_when_to_try_again(susan):
    assert susan.get("/limited", status=429).headers["Retry-After"] == "17"
    assert susan.get("/limited_somehow", status=429).headers["Retry-After"] == "60"
    assert susan.get("/api/away", status=503).headers["Retry-After"] == "5"
    assert susan.put("/api/gone", status=405).headers["Allow"] == "GET, HEAD, POST"


def test_a_program_is_not_sent_to_the_login_page(build, log):
    browser = build().browser()
    assert browser.get("/closed", status=303).headers["Location"].endswith("/login?next=%2Fclosed")
    assert browser.get("/api/closed", status=401).headers["WWW-Authenticate"] == "Bearer"


def test_an_unknown_address_below_api_is_a_json_404(browser):
    assert browser.get("/api/nothing", status=404).json["error"]["status"] == 404
    assert browser.get("/apiary", status=404).content_type == "text/html"


def test_a_fault_is_json_below_api(build, log, mails):
    application = build()
    answer = application.browser().get("/api/broken", status=500)
    (mail,) = mails(application)
    assert answer.json == {
        "error": {
            "status": 500,
            "title": errors.TITLES[500],
            "message": errors.SENTENCES[500],
            "incident": answer.json["error"]["incident"],
        }
    }
    assert answer.json["error"]["incident"] in mail.get_content()


def test_an_error_below_api_is_in_the_language_that_the_program_asks_for(build, log, mails):
    application = build()
    browser = application.browser()
    browser.set_cookie("preferences", "language=es")  # not read there
    for path, status in (("/api/nothing", 404), ("/api/away", 503), ("/api/broken", 500)):
        answer = browser.get(path, headers={"Accept-Language": "de"}, status=status)
        german = application.registry.languages["de"].catalogue
        error = answer.json["error"]
        assert error["title"] == german.translate(errors.TITLES[status]) != errors.TITLES[status]
        assert error["message"] == german.translate(errors.SENTENCES[status]) != errors.SENTENCES[status]
        assert answer.headers["Content-Language"] == "de"
        assert browser.get(path, status=status).headers["Content-Language"] == "en"
    assert errors.TITLES[404] not in log.text  # the log has sentences, in English
    assert errors.SENTENCES[404] in log.text


def test_when_the_language_of_a_program_cannot_be_read_the_error_is_english(without_templates):
    answer = without_templates.browser().get("/api/broken", headers={"Accept-Language": "fr"}, status=500)
    error = {"status": 500, "title": errors.TITLES[500], "message": errors.SENTENCES[500], "incident": None}
    assert answer.json == {"error": error}


# The log and the admins


def test_the_log_and_the_admins_have_what_finds_the_fault(build, log, mails):
    application = build()
    browser = application.browser()
    enter(browser, "susan")
    log.clear()
    fields = {"csrf_token": token(browser), "body": SECRET, "password": PASSWORD, "q": "on"}
    page = browser.post("/broken?x=1", fields, headers={"X-Request-ID": "proxy-1234"}, status=500)
    incident = incident_of(page)
    with application.database.read() as session:
        user = session.scalar(sa.select(User.id))
    (fields,) = [r.fields for r in log.records if r.name == "microblog.incidents.recording"]
    location = fields.pop("place")
    assert re.fullmatch(r"incidents/test_errors\.py:\d+", location)
    assert fields == {
        "incident": incident,
        "method": "POST",
        "path": "/broken",
        "user": user,
        "request_id": "proxy-1234",
    }
    assert "ValueError: cannot use '…'" in log.text
    (mail,) = mails(application)
    assert mail["Subject"] == f"[microblog] ValueError at {location}"
    assert mail["To"] == "admin@example.org"
    text = mail.get_content()
    for expected in (
        incident,
        "POST /broken",
        "Root broken",
        "proxy-1234",
        f"number {user}",
        "ValueError: cannot use",
    ):
        assert expected in text
    for private in (SECRET, PASSWORD, "susan@example.com", browser.cookies["session"]):
        assert private not in text
        assert private not in log.text
    assert "x=1" not in text


def test_a_failure_of_the_commit_is_an_incident_too(build, log, mails):
    application = build()
    browser = application.browser()
    enter(browser, "susan")

    def refuse(session):
        raise RuntimeError("no commit")

    application.database.before_commit(refuse)
    form = browser.get("/").forms["compose-form"]
    form["body"] = SECRET
    page = form.submit(status=500)
    (mail,) = mails(application)
    assert incident_of(page) in mail.get_content()
    assert SECRET not in mail.get_content()
    assert "RuntimeError at incidents/test_errors.py" in mail["Subject"]


def test_a_visitor_is_nobody_known(build, log, mails):
    application = build()
    application.browser().get("/broken", status=500)
    assert "Person:     nobody known" in mails(application)[0].get_content()


def test_an_attempt_that_is_tried_again_is_no_incident(build, log, mails):
    attempts = []

    def held_up(request):
        attempts.append(request)
        if len(attempts) < 3:
            raise RetryableException("Somebody else was faster.")
        return Response("done")

    application = build(lambda config: config.add_view(held_up, context=Root, name="held"))
    assert application.browser().get("/held").text == "done"
    assert mails(application) == []
    assert "Incident" not in log.text


def test_a_mail_server_that_is_down_costs_a_request_nothing(build, log):
    with Sink() as sink:
        settings = {key.removeprefix("microblog."): value for key, value in sink.settings.items()}
    application = build(**settings)  # nobody listens there now
    for _ in range(3):
        application.browser().get("/broken", status=500)
    get_alerts(application.registry).work()
    assert "was not sent to admin@example.org. The mail server" in log.text


def test_many_faults_are_one_mail_and_a_summary_at_the_end(build, log):
    with Sink() as sink:
        settings = {key.removeprefix("microblog."): value for key, value in sink.settings.items()}
        application = build(**settings)
        browser = application.browser()
        for _ in range(20):
            browser.get("/broken", status=500)
        get_alerts(application.registry).close()
    assert len(sink.mails) == 2
    assert sink.mails[1].message["Subject"].startswith("[microblog] 19 more times: ValueError at ")


@implementer(ISearchFeed)
class BrokenFeed:
    def after_begin(self, session, connection):
        """Nothing."""

    def before_commit(self, session):
        """Nothing."""

    def catch_up(self, database, limit):
        raise RuntimeError("no index")


def test_a_task_of_the_worker_that_fails_reaches_the_admins(build, log, mails):
    application = build()
    registry = application.registry
    registry.registerUtility(BrokenFeed(), ISearchFeed)
    registry.worker.round()
    registry.worker.round()
    (mail,) = mails(application)
    assert "RuntimeError at microblog/search/feeding.py:" in mail["Subject"]
    assert "The worker's task “search index” failed; it will be retried." in mail.get_content()
    assert "RuntimeError: no index" in mail.get_content()


def test_a_developer_without_the_toolbar_sees_the_page_with_the_trace(build, log):
    page = build(development="true").browser().get("/broken", status=500)
    assert page.html.h1.get_text() == errors.TITLES[500]
    assert page.html.select(".incident code")
    (trace,) = page.html.select("pre.trace")
    assert trace.get_text().startswith("Traceback")
