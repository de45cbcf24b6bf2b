"""Are the counts that triggers keep right? Only what writes without the triggers can change them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from microblog.checks import FAULT, OK, CheckedSite, Finding
from microblog.operations import queries


def describe_counts(site: CheckedSite) -> Iterator[Finding]:
    """Compare each count of people and posts with the rows that it counts."""
    is_right = True
    for count in queries.COUNTS:
        with site.database.without_limits(), site.database.read() as session:
            wrong = queries.find_wrong_counts(session, count)
        if wrong.rows:
            is_right = False
            yield Finding(
                FAULT,
                f"{count.column} is wrong in {wrong.rows:,} rows, the first with the id {wrong.first}: "
                "something wrote without the triggers that count. Correct it in a shell of the database: "
                f"{count.repair}",
            )
    if is_right:
        yield Finding(OK, f"All {len(queries.COUNTS)} are the numbers of rows.")


def includeme(config: Any) -> None:
    config.add_health_check("counts", details=describe_counts, full=True, order=12)
