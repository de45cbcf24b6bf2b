"""The pages for admins: the kept profiles, and one of them."""

from __future__ import annotations

import pstats
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from microblog.accounts.queries import add_user, start_session
from microblog.observing import Recorded
from microblog.profiling import profiles
from microblog.profiling.profiles import Profiled
from microblog.profiling.settings import PROFILER, PROFILER_DIRECTORY
from microblog.profiling.thread_profile import ThreadProfile, build_statistics
from microblog.profiling.views import PROFILES_ON_A_PAGE
from microblog.security.identity import hash_token
from tests.walk import enter

PROFILED = Profiled(
    began=datetime.now(UTC).isoformat(),
    request_id="0123456789abcdef",
    method="GET",
    path="/users/<b>susan</b>",
    status=200,
    context_name="Person",
    view_name="followers",
    seconds=1.23456,
    calls=4711,
    sql=(Recorded("SELECT <1>", "('x',)", 0.002, "microblog/timelines/queries.py:41 in list_posts"),),
)


@pytest.fixture
def folder(application):
    """The folder of the profiles, empty."""
    folder = application.registry.microblog[PROFILER_DIRECTORY]
    for file in folder.iterdir():
        file.unlink()
    return folder


def admin_of(application):
    """The browser of an admin, who is called grace."""
    with application.database.write() as session:
        user_id = add_user(session, "grace", is_admin=True)
        start_session(session, user_id, hash_token("grace"), timedelta(hours=1))
    browser = application.browser()
    browser.set_cookie("session", "grace")
    return browser


@pytest.fixture
def admin(application, folder):
    return admin_of(application)


def keep(folder, profiled=PROFILED):
    """Write a profile with some more functions than are shown at first; its name."""
    functions: dict[str, Any] = {}
    exec("\n".join(f"def function_{number}(): pass" for number in range(40)), functions)
    profile = ThreadProfile()
    profile.enable()
    for number in range(40):
        functions[f"function_{number}"]()
    functions["function_7"]()
    profile.disable()
    return profiles.write(folder, profiled, build_statistics(profile), keep=1000)


def read_cells(row):
    return [cell.get_text(strip=True) for cell in row.select(".number")]


def test_an_admin_finds_the_profiles_by_the_footer(admin, folder):
    keep(folder)
    later = (PROFILED.timestamp + timedelta(seconds=1)).isoformat()
    keep(folder, replace(PROFILED, path="/failed", status=None, sql=(), began=later))
    page = admin.get("/").click("Profiles")
    assert page.request.path == "/admin/profiles/"
    newest, other = page.html.select("tbody tr")
    assert "/failed" in newest.get_text()
    assert read_cells(newest) == [
        "failed",
        "1,234.56",
        "4,711",
        "0",
        "0.00",
    ]
    assert read_cells(other) == [
        "200",
        "1,234.56",
        "4,711",
        "1",
        "2.00",
    ]
    assert other.select_one("a").get_text() == "GET /users/<b>susan</b>"


def test_without_a_folder_there_is_no_link_and_the_page_says_what_to_do(make_application):
    admin = admin_of(make_application())
    assert "Profiles" not in admin.get("/explore").text
    page = admin.get("/admin/profiles/")
    assert "set microblog.profiler.directory to a folder" in page.html.select_one(".empty").get_text()
    admin.get(f"/admin/profiles/{PROFILED.name}", status=404)


def test_people_who_are_no_admins_see_no_link(application, folder):
    browser = application.browser()
    assert "Profiles" not in browser.get("/explore").text
    enter(browser, "susan")
    assert "Profiles" not in browser.get("/explore").text


@pytest.mark.parametrize(
    ("profiler", "sentence"),
    [
        ("false", "The profiler is off. Set microblog.profiler = on_demand"),
        ("on_demand", "Run microblog profile --minutes 10 --path '/users/*' on the server."),
        ("true", "Each request is profiled"),
    ],
)
def test_where_there_is_none_the_page_says_how_to_make_one(make_application, tmp_path, profiler, sentence):
    folder = tmp_path / "profiles"
    admin = admin_of(make_application({PROFILER.key: profiler, PROFILER_DIRECTORY.key: str(folder)}))
    page = admin.get("/admin/profiles/")
    assert sentence in page.html.select_one(".empty").get_text()
    assert len(profiles.list_names(folder)) == (profiler == "true")


def test_a_profile_shows_its_request_its_functions_and_its_sql(admin, folder):
    name = keep(folder)
    page = admin.get(f"/admin/profiles/{name}")
    assert page.html.h1.get_text() == "GET /users/<b>susan</b>"
    assert "Person, followers" in page.html.select_one(".lead").get_text()
    figures = {each.dt.get_text(): each.dd.get_text() for each in page.html.select(".figures > div")}
    assert figures == {
        "Status": "200",
        "Time": "1,234.56 ms",
        "Function calls": "4,711",
        "SQL statements": "1",
        "Time of SQL": "2.00 ms",
    }
    (statement,) = page.html.select(".statements li")
    assert statement.pre.get_text() == "SELECT <1>"
    assert statement.p.get_text(" ", strip=True) == "2.00 ms microblog/timelines/queries.py:41 in list_posts"
    assert "('x',)" in statement.get_text()
    assert len(page.html.select("tbody tr")) == 30


def test_the_functions_are_sorted_by_a_link_and_all_are_shown_by_another(admin, folder):
    page = admin.get(f"/admin/profiles/{keep(folder)}")
    assert [each["aria-sort"] for each in page.html.select("[aria-sort]")] == ["descending"]
    page = page.click("show all")
    assert len(page.html.select("tbody tr")) > 40
    page = page.click("^Calls$")
    calls = [int(row.td.get_text()) for row in page.html.select("tbody tr")]
    assert calls == sorted(calls, reverse=True)
    assert len(calls) > 40
    assert "function_7" in page.html.select_one("tbody tr").get_text()
    page = page.click("^Function$")
    assert page.html.select_one("[aria-sort]")["aria-sort"] == "ascending"
    page = page.click("^Total ms")
    seconds = [float(row("td")[2].get_text().replace(",", "")) for row in page.html.select("tbody tr")]
    assert seconds == sorted(seconds, reverse=True)


def test_an_unknown_order_is_refused_with_a_sentence(admin, folder):
    page = admin.get(f"/admin/profiles/{keep(folder)}?sort=colour", status=400)
    assert (
        "Functions can be sorted by time, cumulative, calls, name."
        in page.html.select_one(".sentence").get_text()
    )


def test_the_file_can_be_downloaded_and_pstats_opens_it(admin, folder, tmp_path):
    name = keep(folder)
    answer = admin.get(f"/admin/profiles/{name}").click("Download")
    assert answer.content_type == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}.prof"'
    (tmp_path / "downloaded.prof").write_bytes(answer.body)
    assert "function_7" in str(vars(pstats.Stats(str(tmp_path / "downloaded.prof")))["stats"])


def test_a_file_that_is_missing_or_broken_is_reported(admin, folder):
    name = keep(folder)
    (folder / f"{name}.prof").write_bytes(b"broken")
    page = admin.get(f"/admin/profiles/{name}")
    assert "missing, or cannot be read" in page.html.select_one(".notice").get_text()
    (folder / f"{name}.prof").unlink()
    admin.get(f"/admin/profiles/{name}/download", status=404)
    (folder / f"{name}.json").write_text("broken")
    admin.get(f"/admin/profiles/{name}", status=404)
    assert admin.get("/admin/profiles/").html.select_one(".empty")


@pytest.mark.parametrize("name", ["..%2f..%2fetc%2fpasswd", "%2e%2e", "secret.txt", "nothing"])
def test_no_name_leads_out_of_the_folder(admin, folder, name):
    keep(folder)
    (folder / "secret.txt").write_text("{}")
    admin.get(f"/admin/profiles/{name}", status=404)
    admin.get(f"/admin/profiles/{name}/download", status=404)
    admin.get("/admin/nothing", status=404)


def test_older_profiles_are_on_the_next_page(admin, folder):
    now = datetime.now(UTC)
    for minutes in range(PROFILES_ON_A_PAGE + 1):
        keep(
            folder,
            replace(PROFILED, path=f"/{minutes}", began=(now - timedelta(minutes=minutes)).isoformat()),
        )
    page = admin.get("/admin/profiles/")
    newest = [f"GET /{minutes}" for minutes in range(PROFILES_ON_A_PAGE)]
    assert [link.get_text() for link in page.html.select("tbody a")] == newest
    page = page.click("Older profiles")
    assert [link.get_text() for link in page.html.select("tbody a")] == [f"GET /{PROFILES_ON_A_PAGE}"]
    page = page.click("Newest profiles")
    assert [link.get_text() for link in page.html.select("tbody a")] == newest
