"""Each requirement with extras has a line with these extras in the lock files; locks.py says why."""

from __future__ import annotations

from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.packaging.locks import applies, reached, read_lock, requirements_of_installed, without_line
from tests.packaging.machine import CHECKOUT, call_build_backend

LOCKS = {
    "requirements.lock": Requirement("microblog[development]"),
    "requirements-dev.lock": Requirement("microblog[development,test,lint]"),
}
HERE = {name: str(value) for name, value in default_environment().items()}
ENVIRONMENTS = [
    {
        **HERE,
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": platform,
        "platform_system": platform.title(),
    }
    for python in ("3.11", "3.12", "3.13")
    for platform in ("linux", "darwin")
]

every_lock = pytest.mark.parametrize(("name", "root"), LOCKS.items(), ids=LOCKS)

# The rule, with packages that do not exist: "app" requires what its first line says.


def missing_of(app: str, *lines: str, others: dict[str, list[str]] | None = None) -> set[str]:
    requires = {"app": [app], **(others or {})}

    def requirements_of(name: str) -> list[Requirement]:
        return [Requirement(line) for line in requires.get(name, [])]

    text = "".join(f"{line} \\\n    --hash=sha256:{0:064}\n    # via app\n" for line in lines)
    return without_line(read_lock(text), Requirement("app[more]"), ENVIRONMENTS[0], requirements_of)


@pytest.mark.parametrize(
    ("app", "lines"),
    [
        ("lib[a]>=1", ["lib==1.0"]),
        ("lib[a]>=1", ["lib[b]==1.0"]),
        ("lib[a,b]>=1", ["lib[a]==1.0"]),
        ("lib[a]>=1", ["lib==1.0", "lib[a]==1.0 ; sys_platform == 'win32'"]),
        ("lib[a]>=1", []),
        ("lib[a]>=1 ; extra == 'more'", ["lib==1.0"]),
        ("lib[a]>=1 ; python_version < '3.12'", ["lib==1.0"]),
        ("Lib.Name[a]>=1", ["lib-name==1.0"]),
    ],
)
def test_a_requirement_with_an_extra_that_no_line_has_is_found(app, lines):
    assert missing_of(app, *lines) == {str(Requirement(app))}


@pytest.mark.parametrize(
    ("app", "lines"),
    [
        ("lib>=1", ["lib==1.0"]),
        ("lib[a]>=1", ["lib[a]==1.0"]),
        ("lib[a]>=1", ["lib[a,b]==1.0"]),
        ("lib[a]>=1", ["lib[a]==1.0 ; sys_platform == 'linux'"]),
        ("lib[a]>=1 ; extra == 'less'", ["lib==1.0"]),
        ("lib[a]>=1 ; sys_platform == 'win32'", ["lib==1.0"]),
        ("Lib.Name[a]>=1", ["lib-name[a]==1.0"]),
    ],
)
def test_a_requirement_whose_extras_have_a_line_or_that_does_not_apply_is_none(app, lines):
    assert missing_of(app, *lines) == set()


def test_what_is_required_through_an_extra_is_looked_at():
    others = {"lib": ["far[b] ; extra == 'a'", "near[c] ; extra == 'z'"], "far": ["lib[a]"]}
    assert missing_of("lib[a]", "lib[a]==1.0", "far==1.0", "near==1.0", others=others) == {
        str(Requirement("far[b] ; extra == 'a'"))
    }


# The locks themselves


@pytest.fixture(scope="module")
def requirements_of(
    source: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], list[Requirement]]:
    """What is installed says what it requires; for us setup.py does, as it is now."""
    target = tmp_path_factory.mktemp("metadata") / "made"
    made = call_build_backend("prepare_metadata_for_build_wheel", source, target)
    ours = [Requirement(line) for line in metadata.PathDistribution(made).requires or []]
    return lambda name: ours if name == "microblog" else requirements_of_installed(name)


def lock(name: str) -> list[Requirement]:
    return read_lock((CHECKOUT / name).read_text(encoding="utf-8"))


@every_lock
def test_every_requirement_with_extras_has_a_line_with_these_extras(name, root, requirements_of):
    missing = set[str]()
    for environment in ENVIRONMENTS:
        missing |= without_line(lock(name), root, environment, requirements_of)
    assert not missing, f"{name} has no line with these extras; `make lock` writes it"


@every_lock
def test_what_is_locked_is_what_is_reached_and_is_installed(name, root, requirements_of):
    """So that the test above has looked at everything: what is not installed says nothing of its extras."""
    here = {canonicalize_name(line.name) for line in lock(name) if applies(line, HERE)}
    needed = {canonicalize_name(found.name) for found in reached(root, HERE, requirements_of)}
    installed = {canonicalize_name(found.name) for found in metadata.distributions()}
    assert needed == here
    assert here <= installed
