"""What failed is named once more at the end of `.ci/run`."""

import pytest

from tests.plugins.failures import main

pytest_plugins = ["pytester"]

SOME_FAIL = """
    import pytest

    @pytest.fixture
    def kettle():
        raise OSError("no kettle")

    @pytest.fixture
    def cup():
        yield
        raise OSError("the cup broke")

    def test_runs():
        pass

    def test_tastes():
        assert 1 == 2, "bitter"

    def test_brews(kettle):
        pass

    def test_drinks(cup):
        pass
"""


def run(pytester: pytest.Pytester, source: str) -> str:
    pytester.makepyfile(source)
    report = pytester.path / "sqlite.xml"
    pytester.runpytest_inprocess("-p", "no:cacheprovider", f"--junitxml={report}")
    return str(report)


def test_failures_and_errors_of_fixtures_are_named_with_what_they_said(pytester, capsys):
    report = run(pytester, SOME_FAIL)
    capsys.readouterr()
    assert main([report]) == 0
    module = "test_failures_and_errors_of_fixtures_are_named_with_what_they_said"
    assert capsys.readouterr().out.splitlines() == [
        f"sqlite: {module}::test_tastes: AssertionError: bitter",
        f'sqlite: {module}::test_brews: failed on setup with "OSError: no kettle"',
        f'sqlite: {module}::test_drinks: failed on teardown with "OSError: the cup broke"',
    ]


def test_nothing_is_said_where_everything_passed(pytester, capsys):
    report = run(pytester, "def test_runs(): pass")
    capsys.readouterr()
    main([report])
    assert capsys.readouterr().out == ""


def test_a_report_that_a_killed_run_left_in_pieces_is_named(tmp_path, capsys):
    (tmp_path / "newest.xml").write_text("<testsuites><testsuite>")
    main([str(tmp_path / "newest.xml"), str(tmp_path / "gone.xml")])
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("newest.xml cannot be read: no element found")
    assert second.startswith("gone.xml cannot be read: [Errno 2]")
