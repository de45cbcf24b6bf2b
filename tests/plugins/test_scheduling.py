"""Modules whose fixtures are expensive are not torn apart by parallel processes."""

import re
from collections import defaultdict

import pytest

pytest_plugins = ["pytester"]

SIX_TESTS = """
    import pytest

    @pytest.mark.parametrize("number", range(6))
    def test_runs(number):
        pass
"""


def processes_of_modules(pytester: pytest.Pytester, *modules: str) -> dict[str, set[str]]:
    for module in modules:
        path = pytester.path / module
        path.parent.mkdir(parents=True, exist_ok=True)
        pytester.makepyfile(**{module.removesuffix(".py"): SIX_TESTS})
    result = pytester.runpytest_inprocess(
        "-p", "tests.plugins.scheduling", "-p", "no:cacheprovider", "-n", "2", "-v"
    )
    result.assert_outcomes(passed=6 * len(modules))
    found = defaultdict(set)
    for process, module in re.findall(r"^\[(gw\d)\] .* PASSED (\S+)::", result.stdout.str(), re.M):
        found[module].add(process)
    return found


def test_a_module_of_packaging_runs_in_one_process_and_before_the_others(pytester):
    modules = ("tests/a/test_other.py", "tests/packaging/test_one.py", "tests/packaging/test_two.py")
    found = processes_of_modules(pytester, *modules)
    (one,), (two,) = found["tests/packaging/test_one.py"], found["tests/packaging/test_two.py"]
    assert one != two
    assert next(iter(found)) != "tests/a/test_other.py"


def test_a_run_in_one_process_needs_no_scheduler(pytester):
    pytester.makepyfile(SIX_TESTS)
    arguments = ("-p", "tests.plugins.scheduling", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:cov")
    pytester.runpytest_inprocess(*arguments).assert_outcomes(passed=6)
