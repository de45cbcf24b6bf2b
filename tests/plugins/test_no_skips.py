"""The plugin reports what was skipped, and fails the run where nothing may be."""

import pytest

from tests.plugins.no_skips import HEADING, HEADING_WHEN_FORBIDDEN, SWITCH, main, skipped_in_every_run

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


def test_a_run_reports_what_it_skipped_and_why(pytester, monkeypatch):
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


ON_ONE_DATABASE = """
    import os
    import pytest

    @pytest.mark.skipif("DATABASE" not in os.environ, reason="no database")
    def test_stores():
        pass

    @pytest.mark.skip(reason="no teapot")
    def test_brews():
        pass

    @pytest.mark.xfail(reason="not yet")
    def test_fails_as_expected():
        assert False
"""
ONE_MODULE = """
    import os
    import pytest
    if "DATABASE" not in os.environ:
        pytest.skip("no database for any of this", allow_module_level=True)

    def test_runs():
        pass
"""


def test_what_one_of_several_runs_executed_was_not_left_out(pytester, monkeypatch, capsys):
    monkeypatch.delenv(SWITCH, raising=False)
    pytester.makepyfile(test_module=ONE_MODULE)
    without, within = pytester.path / "without.xml", pytester.path / "within.xml"
    monkeypatch.delenv("DATABASE", raising=False)
    run(pytester, ON_ONE_DATABASE, f"--junitxml={without}")
    monkeypatch.setenv("DATABASE", "here")
    run(pytester, ON_ONE_DATABASE, f"--junitxml={within}")

    name = "test_what_one_of_several_runs_executed_was_not_left_out"
    assert set(skipped_in_every_run([without])) == {
        f"{name}::test_stores",
        f"{name}::test_brews",
        "test_module",
    }
    assert skipped_in_every_run([without, within]) == {f"{name}::test_brews": "no teapot"}
    capsys.readouterr()
    assert main([str(without), str(within)]) == 1
    assert f"{name}::test_brews: no teapot" in capsys.readouterr().out
