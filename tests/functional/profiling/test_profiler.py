"""The profiler: off it is not there, on it profiles each request, on demand only the one that asks."""

from __future__ import annotations

import cProfile
import logging
import pstats
import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from pyramid.interfaces import ITweens
from pyramid.response import Response

from microblog.profiling import profiles
from microblog.profiling.profiles import COOKIE, HEADER, sign_pattern
from microblog.profiling.settings import PROFILER, PROFILER_DIRECTORY, PROFILER_FUNCTIONS
from microblog.tree import Root
from tests.conftest import TEST_SECRET, TOOLBAR
from tests.walk import enter, write

# A page without a template: the first rendering compiles it, and profiling that takes seconds.
LIGHT = "/avatars/0123456789abcdef.svg"
TWEEN = "microblog.profiling.tween.profiling_tween"


def value_for(pattern, seconds=60):
    return sign_pattern(TEST_SECRET, pattern, int(datetime.now(UTC).timestamp()) + seconds)


def tweens_of(application):
    return [name for name, _ in application.registry.queryUtility(ITweens).implicit()]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "profiles"


@pytest.fixture
def build(make_application, folder):
    """`build("on_demand")`: an application with this profiler, which keeps profiles in `folder`."""

    def build(profiler, settings=None, **more):
        own = {PROFILER.key: profiler, PROFILER_DIRECTORY.key: str(folder), PROFILER_FUNCTIONS.key: "1000"}
        return make_application({**own, **(settings or {})}, **more)

    return build


@pytest.fixture
def reports(caplog):
    """Gives the records of the profiler so far."""
    caplog.set_level(logging.INFO, "microblog.profiling.tween")
    return lambda: [record for record in caplog.records if record.name == "microblog.profiling.tween"]


def read(folder, name):
    found = profiles.read(folder, name)
    assert found is not None
    return found


def functions_of(folder, response):
    return {label[2]: counts[1] for label, counts in stats_of(folder, response).items()}


def stats_of(folder, response):
    stats: Any = pstats.Stats(str(folder / f"{response.headers[HEADER]}.prof"))
    return stats.stats


def test_off_nothing_of_it_runs(application, reports):
    assert TWEEN not in tweens_of(application)
    answer = application.browser().get("/explore", headers={HEADER: value_for("/*")})
    assert HEADER not in answer.headers
    assert not reports()


@pytest.mark.parametrize("profiler", ["true", "on_demand"])
def test_the_profiling_tween_is_over_the_transaction_and_the_error_pages(build, profiler):
    tweens = tweens_of(build(profiler))
    position = tweens.index(TWEEN)
    assert tweens[position - 1] == "microblog.security.headers.headers_tween"
    assert (
        position
        < tweens.index("microblog.web.errors.errors_tween")
        < tweens.index("pyramid_tm.tm_tween_factory")
    )


def test_each_request_is_reported_as_the_original_did(make_application, reports):
    application = make_application({PROFILER.key: "true", PROFILER_FUNCTIONS.key: "7"})
    answer = application.browser().get(LIGHT)
    assert answer.headers[HEADER] == "profiled"
    (record,) = reports()
    assert record.levelname == "INFO"
    lines = record.getMessage().splitlines()
    assert lines[0] == f"PATH: '{LIGHT}'"
    assert "function calls" in lines[1]
    assert lines[1].endswith(" seconds")
    assert "Ordered by: internal time, call count" in record.getMessage()
    table = lines[
        lines.index("   ncalls  tottime  percall  cumtime  percall filename:lineno(function)") + 1 :
    ]
    assert len(table) == 7


def test_a_profile_has_the_templates_the_view_the_commit_and_the_sql(build, folder):
    browser = build("on_demand").browser()
    enter(browser, "susan")
    write(browser, "Hello")
    browser.set_cookie(COOKIE, value_for("/*"))
    page = write(browser, "Hello, profiler")
    ours = {label[0] for label in stats_of(folder, page)}
    assert any(file.endswith("timelines/templates/home.jinja2") for file in ours)
    assert any(file.endswith("templates/layout.jinja2") for file in ours)
    names = profiles.list_names(folder)
    written = read(folder, next(name for name in names if "-POST-posts-" in name))
    assert (written.method, written.path, written.status) == ("POST", "/posts/", 303)
    assert (written.context_name, written.view_name) == ("Posts", "")
    assert written.calls > 100
    assert 0 < written.seconds < 60
    inserts = [each for each in written.sql if each.statement.startswith("INSERT INTO posts")]
    assert len(inserts) == 1
    assert inserts[0].source.startswith("microblog/posts/queries.py:")
    assert 0 < inserts[0].seconds < written.seconds
    file = folder / f"{written.name}.prof"
    assert any(
        function.name == "commit" or "commit" in function.name for function in profiles.read_functions(file)
    )


def test_on_demand_only_the_request_that_brings_the_value_is_profiled(build, folder, reports):
    browser = build("on_demand").browser()
    for _ in range(2):
        assert HEADER not in browser.get("/explore").headers
    answer = browser.get("/explore", headers={HEADER: value_for("/expl*")})
    assert profiles.list_names(folder) == [answer.headers[HEADER]]
    assert functions_of(folder, answer)["explore"] == 1
    assert HEADER not in browser.get("/explore").headers
    assert len(reports()) == 1


def test_a_cookie_does_it_too(build, folder):
    browser = build("on_demand").browser()
    browser.set_cookie(COOKIE, value_for("/avatars/*"))
    assert browser.get(LIGHT).headers[HEADER] in profiles.list_names(folder)
    assert browser.get("/").headers[HEADER] == "not profiled: the value is for other paths"


@pytest.mark.parametrize(
    ("path", "pattern", "seconds", "end", "why"),
    [
        ("/explore", "/users/*", 60, "", "the value is for other paths"),
        ("/explore", "/*", -1, "", "the value has expired"),
        ("/explore", "/*", 60, "0", "the value is not one of this site"),
        ("/%ff", "/explore", 60, "", "the value is for other paths"),
    ],
)
def test_a_request_that_cannot_be_profiled_is_served_with_the_reason(
    build, folder, reports, path, pattern, seconds, end, why
):
    browser = build("on_demand").browser()
    plain = browser.get(path, status="*")
    value = value_for(pattern, seconds) + end
    answer = browser.get(path, headers={HEADER: value}, status="*")
    assert answer.status == plain.status
    assert answer.headers[HEADER] == f"not profiled: {why}"
    assert why in reports()[-1].getMessage()
    assert profiles.list_names(folder) == []


def test_four_at_once_each_see_their_own_request_and_the_others_are_untouched(build, folder):
    meet = threading.Barrier(4, timeout=30)

    def view_named(name):
        namespace: dict[str, Any] = {}
        exec(f"def work_{name}():\n    return sum(range(50))", namespace)

        def view(context, request):
            meet.wait()  # all four are in their views
            for _ in range(200):
                namespace[f"work_{name}"]()
            meet.wait()
            return Response(name)

        return view

    def extend(config):
        for name in "abcd":
            config.add_view(view_named(name), context=Root, name=name)

    application = build("on_demand", extend=extend)
    value = value_for("/[abc]")
    answers = {}

    def ask(name):
        headers = {HEADER: value} if name != "d" else {}
        answers[name] = application.browser().get(f"/{name}", headers=headers)

    threads = [threading.Thread(target=ask, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {name: answer.text for name, answer in answers.items()} == {name: name for name in "abcd"}
    assert HEADER not in answers["d"].headers
    for name in "abc":
        found = functions_of(folder, answers[name])
        assert {each: count for each, count in found.items() if each.startswith("work_")} == {
            f"work_{name}": 200
        }


def test_beside_another_profiler_a_request_is_served_with_the_reason(build, folder):
    browser = build("true").browser()
    other = cProfile.Profile()
    other.enable()
    try:
        answer = browser.get(LIGHT)
    finally:
        other.disable()
    assert answer.headers[HEADER] == "not profiled: another profiler is at work"
    assert profiles.list_names(folder) == []
    assert browser.get(LIGHT).headers[HEADER] in profiles.list_names(folder)


def test_beside_the_toolbars_panel_a_request_is_served_with_the_reason(build, folder):
    browser = build("true", TOOLBAR).browser(REMOTE_ADDR="127.0.0.1")
    assert browser.get(LIGHT).headers[HEADER] in profiles.list_names(folder)
    browser.set_cookie("pdtb_active", "performance")
    for _ in range(2):
        answer = browser.get(LIGHT, status=200)
        assert answer.headers[HEADER] == "not profiled: another profiler is at work"
    assert len(profiles.list_names(folder)) == 1


def test_a_folder_that_cannot_be_written_fails_no_request(build, folder, reports):
    folder.write_text("a file, not a folder")
    answer = build("true").browser().get(LIGHT)
    assert answer.headers[HEADER] == "profiled"
    report, warning = reports()
    assert report.getMessage().startswith(f"PATH: '{LIGHT}'")
    assert warning.levelname == "WARNING"
    assert "was not kept" in warning.getMessage()


def test_a_request_that_fails_is_profiled_too(build, folder):
    def fail(context, request):
        raise ZeroDivisionError

    application = build(
        "true", TOOLBAR, extend=lambda config: config.add_view(fail, context=Root, name="fail")
    )
    application.browser(REMOTE_ADDR="127.0.0.1").get("/fail", status=500)
    (name,) = profiles.list_names(folder)
    assert read(folder, name).status is None
    assert "fail" in {function.name for function in profiles.read_functions(folder / f"{name}.prof")}


def test_the_report_is_one_event_that_no_path_can_forge(build, reports):
    browser = build("on_demand").browser()
    browser.get("/nothing", status=404)
    browser.get("/explore%0APATH: '/forged'", headers={HEADER: value_for("/*")}, status=404)
    (record,) = reports()
    assert record.getMessage().splitlines()[0] == "PATH: \"/explore\\nPATH: '/forged'\""
