"""What a test run skipped: reported at its end, and a failure where everything can run.

A test that needs a browser or a server skips itself where there is none, and its reason says how to get
one. This plugin gathers those reasons under one heading. With ``MICROBLOG_TEST_NO_SKIPS=1`` a run that
skipped anything has failed: else a service that stopped coming up would take its tests along and nobody
would notice.

No single run can do everything, since some tests are for SQLite and some for PostgreSQL. So ``.ci/run``
asks the same of all its runs together::

    python -m tests.plugins.no_skips RUN.xml [RUN.xml ...]

which reads what ``pytest --junitxml`` wrote and fails if a test was skipped in each run that had it.

Loaded by ``pytest_plugins`` in ``tests/conftest.py``.
"""

import os
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

import pytest

SWITCH = "MICROBLOG_TEST_NO_SKIPS"
HEADING = "Not run here, and how to enable it"
HEADING_WHEN_FORBIDDEN = f"Failed: {SWITCH} is set, and these tests were skipped"


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(SkippedTests(), "microblog-skipped-tests")


class SkippedTests:
    """The skips of one run: how many tests (or whole modules) gave which reason."""

    def __init__(self) -> None:
        self.reasons: Counter[str] = Counter()
        self.forbidden = os.environ.get(SWITCH, "") not in ("", "0")

    def note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        # An expected failure arrives as a skip too, but it ran.
        if report.skipped and not hasattr(report, "wasxfail"):
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            self.reasons[reason.removeprefix("Skipped: ")] += 1

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self.note(report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.forbidden and self.reasons and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self.reasons:
            return
        if self.forbidden:
            terminalreporter.section(HEADING_WHEN_FORBIDDEN, red=True)
        else:
            terminalreporter.section(HEADING, yellow=True)
        for reason, tests in sorted(self.reasons.items()):
            terminalreporter.write_line(f"{tests:>4} {'test' if tests == 1 else 'tests'}: {reason}")


def skipped_in_every_run(reports: Iterable[Path]) -> dict[str, str]:
    """The tests that no run executed, each with the reason that the last of them gave.

    A module that skipped itself as a whole has no tests to name; it counts as executed once any test in it
    was.
    """
    ran: set[str] = set()
    skipped: dict[str, str] = {}
    for report in reports:
        for case in ElementTree.parse(report).iter("testcase"):
            module, name = case.get("classname", ""), case.get("name", "")
            skip = case.find("skipped")
            if skip is not None and skip.get("type") != "pytest.xfail":
                skipped[f"{module}::{name}" if module else name] = skip.get("message", "")
            else:
                ran |= {f"{module}::{name}", module}
    return {test: reason for test, reason in sorted(skipped.items()) if test not in ran}


def main(arguments: list[str]) -> int:
    if not arguments:
        print("usage: python -m tests.plugins.no_skips RUN.xml [RUN.xml ...]", file=sys.stderr)
        return 2
    left = skipped_in_every_run(map(Path, arguments))
    for test, reason in left.items():
        print(f"skipped in every run: {test}: {reason}")
    print(f"{len(arguments)} runs read, {len(left)} tests that none of them executed.")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
