"""The tests that failed, in all runs of `.ci/run`, and the last line of what each said::

    python -m tests.plugins.failures RUN.xml [RUN.xml ...]

A log of three thousand lines may be cut where somebody reads it, but its end is there.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.etree import ElementTree

LONGEST_LINE = 200  # characters


def list_failures(reports: Iterable[Path]) -> Iterator[str]:
    """A line for each test that failed, or whose fixture did; reports that cannot be read are named, too."""
    for report in reports:
        try:
            cases = ElementTree.parse(report).iter("testcase")
        except (OSError, ElementTree.ParseError) as error:
            yield f"{report.name} cannot be read: {error}"
            continue
        for case in cases:
            for trouble in (*case.iterfind("failure"), *case.iterfind("error")):
                said = (trouble.get("message") or trouble.text or "").strip().splitlines() or [""]
                name = f"{case.get('classname', '')}::{case.get('name', '')}".lstrip(":")
                yield f"{report.stem}: {name}: {said[0][:LONGEST_LINE]}"


def main(arguments: list[str]) -> int:
    for line in list_failures(map(Path, arguments)):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
