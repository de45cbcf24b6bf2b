"""Prints which packages and modules of `microblog/` import which, and the cycles among them: `make graph`.

Imports for type checking alone do not count: they do not happen.
"""

from __future__ import annotations

from collections.abc import Mapping

import grimp

PACKAGE = "microblog"
Arrows = Mapping[str, frozenset[str]]


def unit_of(module: str) -> str:
    """The package or module right below `microblog` that this module is in; `microblog` itself for `main`."""
    return module.removeprefix(f"{PACKAGE}.").partition(".")[0]


def read_arrows() -> Arrows:
    """What each unit imports, by its name."""
    graph = grimp.build_graph(PACKAGE, exclude_type_checking_imports=True, cache_dir=None)
    arrows: dict[str, set[str]] = {}
    for module in sorted(graph.modules):
        unit = unit_of(module)
        imported = {unit_of(other) for other in graph.find_modules_directly_imported_by(module)}
        arrows.setdefault(unit, set()).update(imported - {unit})
    return {unit: frozenset(others) for unit, others in arrows.items()}


def find_reachable(arrows: Arrows, start: str) -> set[str]:
    """What `start` imports, directly or not."""
    found: set[str] = set()
    pending = [start]
    while pending:
        for unit in arrows[pending.pop()] - found:
            found.add(unit)
            pending.append(unit)
    return found


def find_cycles(arrows: Arrows) -> list[list[str]]:
    """The strongly connected components: each unit of one imports, in the end, all others."""
    reachable = {unit: find_reachable(arrows, unit) for unit in arrows}
    cycles = {
        tuple(sorted(other for other in reachable[unit] if unit in reachable[other]))
        for unit in arrows
        if unit in reachable[unit]
    }
    return [list(cycle) for cycle in sorted(cycles)]


def main() -> None:
    arrows = read_arrows()
    for unit, others in sorted(
        arrows.items(), key=lambda item: (len(find_reachable(arrows, item[0])), item[0])
    ):
        print(f"{unit:<14} {' '.join(sorted(others))}".rstrip())
    cycles = find_cycles(arrows)
    print(f"\n{len(arrows)} units, {sum(map(len, arrows.values()))} arrows, {len(cycles)} cycles")
    for cycle in cycles:
        print(f"cycle of {len(cycle)}: {' '.join(cycle)}")


if __name__ == "__main__":
    main()
