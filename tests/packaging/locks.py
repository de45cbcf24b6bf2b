"""Reads the lock files, and finds requirements with extras that they do not pin as older pips need it.

pip before 23.3, which Python 3.11 brings, applies the line `name==1.0` only to requirements without extras.
A requirement of `name[extra]` needs a line `name[extra]==1.0`: without it pip takes the newest release, for
which the lock has no hash, and stops. Nobody notices before there is a release newer than the locked one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

# What a marker asks: the values of its variables.
Environment = Mapping[str, str]


def read_lock(text: str) -> list[Requirement]:
    """The packages of a lock file, without their hashes."""
    return [Requirement(line) for line in re.findall(r"^([a-zA-Z0-9][^\\\n]*?) *\\?$", text, re.M)]


def applies(requirement: Requirement, environment: Environment, extra: str = "") -> bool:
    marker = requirement.marker
    return marker is None or marker.evaluate({**environment, "extra": extra})


def requirements_of_installed(name: str) -> list[Requirement]:
    """What an installed distribution requires; nothing for one that is for other machines."""
    try:
        return [Requirement(line) for line in metadata.requires(name) or []]
    except metadata.PackageNotFoundError:
        return []


def reached(
    root: Requirement, environment: Environment, requirements_of: Callable[[str], list[Requirement]]
) -> Iterator[Requirement]:
    """All that the root leads to, also through extras; the same package may come often."""
    pending = [root]
    followed = set()
    while pending:
        requirement = pending.pop()
        for extra in ("", *requirement.extras):
            step = (canonicalize_name(requirement.name), extra)
            if step not in followed:
                followed.add(step)
                further = requirements_of(requirement.name)
                pending += (found := [one for one in further if applies(one, environment, extra)])
                yield from found


def without_line(
    lock: list[Requirement],
    root: Requirement,
    environment: Environment,
    requirements_of: Callable[[str], list[Requirement]],
) -> set[str]:
    """The requirements, reached in this environment, whose extras no line has that applies there."""
    locked: dict[str, set[str]] = defaultdict(set)
    for line in lock:
        if applies(line, environment):
            locked[canonicalize_name(line.name)] |= line.extras
    return {
        str(requirement)
        for requirement in reached(root, environment, requirements_of)
        if not requirement.extras <= locked[canonicalize_name(requirement.name)]
    }
