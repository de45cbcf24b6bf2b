"""A room of somebody else's comes in by `pyramid.includes` alone, and everything central shows it.

The room is `tests/plugins/guestbook/`, which docs/architecture.md explains.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from pyramid.exceptions import ConfigurationConflictError, ConfigurationError
from webtest import TestApp

from microblog.background.worker import Worker
from microblog.db import DATABASE_URL, Base, get_models
from microblog.search.settings import SEARCH
from microblog.settings import SettingsError
from tests.conftest import Application
from tests.functional.commands.conftest import run, write_ini
from tests.walk import bodies, enter, flashes, log_in, write

GUESTBOOK = {"pyramid.includes": "tests.plugins.guestbook"}
FILE = "microblog.guestbook.file"

MakeSite = Callable[..., Application]


@pytest.fixture(scope="module")
def table() -> Iterator[Any]:
    """The table of the room, which other tests of this process have never heard of."""
    from tests.plugins.guestbook.models import Signature

    table: Any = Signature.__table__
    yield table
    Base.metadata.remove(table)


@pytest.fixture
def make_site(make_application: MakeSite, table: Any) -> Iterator[MakeSite]:
    """Builds a site that has the room; `make_site({"microblog.guestbook.open": "false"})`."""
    made = []

    def make(settings: dict[str, str] | None = None, **more: Any) -> Application:
        made.append(make_application({**GUESTBOOK, **(settings or {})}, **more))
        table.create(made[0].database.engine, checkfirst=True)
        return made[-1]

    yield make
    for site in made[:1]:
        table.drop(site.database.engine, checkfirst=True)


@pytest.fixture
def site(make_site: MakeSite, tmp_path: Path) -> Application:
    return make_site({FILE: f"{tmp_path}/guestbook.txt"})


@pytest.fixture
def susan(site: Application) -> TestApp:
    browser = site.browser()
    enter(browser, "susan")
    return browser


def lines(page: Any) -> list[str]:
    """What the guestbook says, without its dates."""
    return [line.get_text().partition(" (")[0] for line in page.html.select(".signatures li")]


def sign(browser: TestApp, text: str, status: int = 303) -> Any:
    form = browser.get("/guestbook/").forms["guestbook-form"]
    form["signature"] = text
    return form.submit(status=status)


def nav(page: Any) -> list[str]:
    return [item.get_text(" ", strip=True) for item in page.html.select(".site-nav li")]


def test_its_branch_is_a_page_and_its_action_writes(susan):
    page = sign(susan, "Hello from susan").follow()
    assert flashes(page) == ["Thank you for your line."]
    assert lines(page)[0] == "susan: Hello from susan"


def test_its_rule_refuses_what_its_form_shows_again(susan):
    page = sign(susan, "", status=422)
    assert "Write something into the guestbook first." in page.text


def test_the_guestbook_subscribes_to_events_of_other_rooms(susan):
    assert lines(susan.get("/guestbook/")) == ["susan: susan is new here."]


def test_its_link_stands_between_ours_and_is_the_current_page(site):
    page = site.browser().get("/guestbook/")
    assert nav(page) == ["Home", "Explore", "People", "Guestbook", "Log in", "Sign up"]
    (current,) = page.html.select(".site-nav [aria-current=page]")
    assert current.text == "Guestbook"


def test_its_setting_is_known_and_judged(make_site):
    browser = make_site({"microblog.guestbook.open": "false"}).browser()
    enter(browser, "susan")
    page = browser.get("/guestbook/")
    assert "guestbook-form" not in page.forms
    with pytest.raises(SettingsError, match=r"microblog\.guestbook\.days must be a whole number"):
        make_site({"microblog.guestbook.days": "none"})
    with pytest.raises(SettingsError, match=r"Did you mean microblog\.guestbook\.open"):
        make_site({"microblog.guestbook.opem": "true"})


def test_the_page_of_an_error_gives_back_what_was_typed_into_its_form(make_site):
    site = make_site()
    browser = site.browser()
    enter(browser, "susan")
    form = browser.get("/guestbook/").forms["guestbook-form"]
    form["signature"] = "a long thought"
    closed = make_site({"microblog.guestbook.open": "false"}).browser()
    log_in(closed, "susan")
    fields = {name: value for name, value in form.submit_fields() if name == "signature"}
    token = closed.get("/").forms["compose-form"]["csrf_token"].value
    page = closed.post("/guestbook/", {**fields, "csrf_token": token}, status=403)
    assert "The guestbook is closed." in page.text
    assert page.html.select_one(".recovered label").text == "What you wrote into the guestbook"
    assert "a long thought" in page.html.select_one(".recovered textarea").text


@pytest.mark.parametrize("name", ["guest", "Guests", "guestbook"])
def test_the_name_of_its_branch_is_a_reserved_nickname(site, name):
    form = site.browser().get("/register").forms["register-form"]
    form["nickname"], form["email"], form["password"] = name, "guest@example.com", "correct horse battery"
    assert "This nickname is reserved." in form.submit(status=422).text


def test_a_person_keeps_a_nickname_that_is_reserved_later(make_application, make_site):
    browser = make_application().browser()
    enter(browser, "Guestbook")
    now = make_site().browser()
    log_in(now, "Guestbook")
    form = now.get("/account/profile").forms["profile-form"]
    form["about_me"] = "I was here first."
    assert "I was here first." in form.submit(status=303).follow().text


def test_admins_find_its_page_beside_ours(site, susan):
    from microblog.accounts.actions import set_admin
    from microblog.accounts.queries import find_owner_id

    assert susan.get("/admin/", status=403)
    with site.database.write() as session:
        owner = find_owner_id(session, "susan")
        assert owner is not None
        set_admin(session, owner, is_admin=True)
    page = susan.get("/guestbook/")
    links = {link.text: link["href"] for link in page.html.select(".site-footer a")}
    assert links["Admin"] == "/admin/"
    page = susan.get("/admin/")
    pages = {link.text: link["href"] for link in page.html.select(".admin-pages a")}
    assert pages == {
        "Guestbook": "/admin/guestbook/",
        "Invitations": "/admin/invitations/",
        "Mails": "/admin/mail/",
        "People": "/admin/people/",
        "People who wait": "/admin/registrations/",
        "Posts with a link": "/admin/posts/",
        "Profiles": "/admin/profiles/",
        "Reports": "/admin/reports/",
        "What was done": "/admin/audit/",
    }
    assert "1 signature" in susan.get("/admin/guestbook/").html.get_text()
    assert "No profiles yet" in susan.get("/admin/profiles/").text


def test_its_view_replaces_ours(site):
    assert site.browser().get("/explore", status=303).location == "http://localhost/guestbook/"


def test_its_search_adapter_replaces_ours(susan):
    write(susan, "Hello")
    write(susan, "Goodbye")
    assert bodies(susan.get("/search?q=nothing+of+it")) == ["Goodbye", "Hello"]
    assert bodies(susan.get("/search?q=nothing+of+it&by=relevance")) == ["Goodbye", "Hello"]


def test_its_template_replaces_ours(site):
    assert site.browser().get("/").html.h1.text == "A site with a guestbook"


def test_a_link_of_ours_is_replaced_by_its_name(make_application):
    def extend(config: Any) -> None:
        config.add_nav_item("explore", "Discover", lambda request: request.link("explore"), order=5)

    site = make_application(extend=extend)
    assert nav(site.browser().get("/")) == ["Discover", "Home", "People", "Log in", "Sign up"]


def test_the_worker_does_its_task(site, susan):
    with time_machine.travel(timedelta(days=366)):
        Worker(site.registry).round()
    assert lines(susan.get("/guestbook/")) == []


@pytest.fixture
def microblog(site: Application, tmp_path: Path) -> Callable[..., str]:
    """`microblog("outbox", "list")` runs the command for this site, and gives what it prints."""
    url = site.registry.microblog[DATABASE_URL]
    more = f"pyramid.includes = {GUESTBOOK['pyramid.includes']}\n{FILE} = {tmp_path}/guestbook.txt"
    ini = write_ini(tmp_path / "site.ini", url, site.registry.microblog[SEARCH], more)
    return lambda *arguments, **options: run("-c", ini, *arguments, **options).output


def test_its_outbox_kind_is_retried_until_it_is_delivered(site, microblog, susan, tmp_path):
    assert "guestbook: 1 wait, 0 dead letters." in microblog("outbox", "list")
    Worker(site.registry).round()
    (line,) = [line for line in microblog("outbox", "list").splitlines() if "  guestbook  " in line]
    assert "The file of microblog.guestbook.file is not there: make it." in line
    (tmp_path / "guestbook.txt").touch()
    microblog("outbox", "retry", line.split()[0])
    Worker(site.registry).round()
    assert (tmp_path / "guestbook.txt").read_text() == "susan is new here.\n"
    assert "guestbook: 0 wait, 0 dead letters." in microblog("outbox", "list")


def test_one_check_serves_readiness_metrics_and_doctor(make_site, microblog, tmp_path):
    file = tmp_path / "guestbook.txt"
    browser = make_site({FILE: str(file), "microblog.metrics": "true"}).browser(REMOTE_ADDR="127.0.0.1")
    problem = "the file of microblog.guestbook.file is not there: make it"

    def ready(status: int) -> list[str]:
        return browser.get("/health/ready", status=status).text.splitlines()

    assert f"guestbook: {problem}" in ready(503)
    assert 'microblog_up{part="guestbook"} 0.0' in browser.get("/metrics").text
    assert problem in microblog("doctor", status=1)
    file.touch()
    assert "guestbook: ok" in ready(200)
    assert 'microblog_up{part="guestbook"} 1.0' in browser.get("/metrics").text
    assert "guestbook: It works." in microblog("doctor")


def test_its_metrics_are_counted_and_read(make_site):
    browser = make_site({"microblog.metrics": "true"}).browser(REMOTE_ADDR="127.0.0.1")
    enter(browser, "susan")
    sign(browser, "Hello")
    metrics = browser.get("/metrics").text.splitlines()
    assert "microblog_guestbook_signed_total 2.0" in metrics
    assert "microblog_guestbook_signatures 2.0" in metrics


def test_its_command_makes_its_table_and_reads_it(site, microblog, table):
    table.drop(site.database.engine)
    assert microblog("guestbook", "install") == "The guestbook is there.\n"
    enter(site.browser(), "susan")
    assert microblog("guestbook", "list") == "susan: susan is new here.\n"
    assert "guestbook      Make the guestbook, and read it." in microblog("--help")


def test_its_rows_are_copied(microblog, susan, site, tmp_path):
    url = f"sqlite+pysqlite:///{tmp_path}/copy.sqlite3"
    copy = write_ini(tmp_path / "copy.ini", url, "none", "pyramid.includes = tests.plugins.guestbook")
    microblog("copy-database", site.registry.microblog[DATABASE_URL], url)
    assert run("-c", copy, "guestbook", "list").output == "susan: susan is new here.\n"


def test_its_settings_are_listed(microblog):
    assert "microblog.guestbook.days = 365" in microblog("settings")


def test_its_command_says_in_a_sentence_what_is_wrong(microblog):
    said = microblog("guestbook", "list", status=1)
    assert said == "Error: Nobody has signed the guestbook yet: be the first.\n"


def test_its_tables_are_among_the_models(site, microblog, table):
    assert get_models(site.registry)["Signature"].__tablename__ == table.name
    assert "is as it should be" in microblog("database", "check")
    table.drop(site.database.engine)
    assert table.name in microblog("database", "check", status=1)


def add_twice(config: Any) -> None:
    config.add_branch("twice", lambda parent, name: None)


def add_once_more(config: Any) -> None:
    config.add_branch("twice", lambda parent, name: None)


def test_two_rooms_with_one_branch_are_a_conflict(make_application):
    def extend(config: Any) -> None:
        config.include(add_twice)
        config.include(add_once_more)

    with pytest.raises(ConfigurationConflictError, match="twice"):
        make_application(extend=extend)


def test_a_nav_item_needs_a_link_or_a_template(make_application):
    with pytest.raises(ConfigurationError, match="'nothing' needs a link or a template"):
        make_application(extend=lambda config: config.add_nav_item("nothing", "Nothing", order=1))
