"""The plugin tells what was skipped, and fails the run where nothing may be."""

import pytest

from tests.plugins.no_skips import HEADING, HEADING_WHEN_FORBIDDEN, SWITCH

pytest_plugins = ["pytester"]

ONE_SKIPS = """
    import pytest

    def test_runs():
        pass

    @pytest.mark.skip(reason="no teapot: set TEAPOT to the address of one")
    def test_brews():
        pass

    @pytest.mark.xfail(reason="not yet")
    def test_fails_as_expected():
        assert False
"""


def run(pytester: pytest.Pytester, source: str, *arguments: str) -> pytest.RunResult:
    pytester.makepyfile(source)
    return pytester.runpytest_inprocess("-p", "tests.plugins.no_skips", "-p", "no:cacheprovider", *arguments)


def test_a_run_tells_what_it_skipped_and_why(pytester, monkeypatch):
    monkeypatch.delenv(SWITCH, raising=False)
    result = run(pytester, ONE_SKIPS)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines([f"*{HEADING}*", "*1 test: no teapot: set TEAPOT to the address of one"])
    assert "not yet" not in result.stdout.str()


def test_a_skip_is_a_failure_where_everything_must_run(pytester, monkeypatch):
    monkeypatch.setenv(SWITCH, "1")
    result = run(pytester, ONE_SKIPS)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines([f"*{HEADING_WHEN_FORBIDDEN}*", "*1 test: no teapot*"])


def test_a_module_that_skips_itself_counts(pytester, monkeypatch):
    monkeypatch.setenv(SWITCH, "1")
    run(pytester, "import pytest\npytest.skip('no kettle', allow_module_level=True)")
    pytester.makepyfile(test_other="def test_runs(): pass")
    result = pytester.runpytest_inprocess("-p", "tests.plugins.no_skips", "-p", "no:cacheprovider")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*1 test: no kettle"])


def test_skips_in_parallel_processes_count(pytester, monkeypatch):
    monkeypatch.setenv(SWITCH, "1")
    result = run(pytester, ONE_SKIPS, "-n", "2")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*1 test: no teapot*"])


def test_a_run_without_skips_passes_and_says_nothing(pytester, monkeypatch):
    monkeypatch.setenv(SWITCH, "1")
    result = run(pytester, "def test_runs(): pass")
    assert result.ret == pytest.ExitCode.OK
    assert SWITCH not in result.stdout.str()
