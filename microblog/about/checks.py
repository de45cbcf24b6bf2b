"""What doctor says of the operator's texts."""

from __future__ import annotations

from collections.abc import Iterator

from microblog.checks import FAULT, OK, CheckedSite, Finding


def describe_texts(site: CheckedSite) -> Iterator[Finding]:
    """Can the texts of /about, /help, /privacy and /terms be shown?"""
    library = site.registry.site_texts
    problems = library.find_problems()
    for problem in problems:
        yield Finding(FAULT, problem)
    if not problems and library.folder is not None:
        names = sorted(library.list_files())
        yield Finding(OK, f"{library.folder} has texts for: {', '.join(names) or 'no page yet'}.")
