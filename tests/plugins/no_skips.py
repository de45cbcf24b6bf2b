"""What a test run left out: told at its end, and a failure where everything can be run.

A test that needs a browser or a server skips itself where there is none, and its reason says how to get
one. This plugin gathers those reasons under one heading. With ``MICROBLOG_TEST_NO_SKIPS=1``, which
``.ci/run`` sets, a run that skipped anything has failed: else a service that stopped coming up would take
its tests along and nobody would notice.

Loaded by ``pytest_plugins`` in ``tests/conftest.py``.
"""

import os
from collections import Counter

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
