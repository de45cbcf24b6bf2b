"""What is wrong with pictures, as sentences that say what to do: for `microblog media check` and doctor."""

from __future__ import annotations

from collections.abc import Iterator

from microblog.checks import FAULT, WARNING, CheckedSite, Finding
from microblog.media.checking import FilesFound, Named, RowsFound
from microblog.media.plans import AVATAR, HEADER
from microblog.media.upkeep_queries import REPAIR_OF_BYTES, write_repair_of_portraits, write_repair_of_unshown

IN_A_SHELL = "correct it in a shell of the database"


def describe_files(site: CheckedSite, found: FilesFound) -> Iterator[Finding]:
    if found.missing.count:
        yield Finding(
            FAULT,
            f"{found.missing.count:,} files of pictures are missing ({name(found.missing)}): whoever looks "
            "at them sees an empty frame. Bring them back from a backup "
            f"(`{site.command('restore --pictures FILE')}`), or correct where pictures are kept.",
        )
    if found.damaged.count:
        yield Finding(
            FAULT,
            f"{found.damaged.count:,} files of pictures are damaged ({name(found.damaged)}): bring them back "
            f"from a backup (`{site.command('restore --pictures FILE')}`), and check the disk.",
        )
    if found.unknown.count:
        yield Finding(
            WARNING,
            f"{found.unknown.count:,} files belong to no picture and are older than a day "
            f"({name(found.unknown)}): `{site.command('media collect')}` deletes them.",
        )


def describe_rows(found: RowsFound) -> Iterator[Finding]:
    if found.bytes.count:
        yield Finding(
            FAULT,
            f"users.pictures_bytes is wrong of the people {name(found.bytes)}: something wrote without the "
            f"triggers that count. {IN_A_SHELL.capitalize()}: {REPAIR_OF_BYTES}",
        )
    if found.posts.count:
        yield Finding(
            FAULT,
            f"{found.posts.count:,} posts show pictures that are not theirs by the table of pictures, so "
            f"that these may be deleted (posts {name(found.posts)}): restore a backup.",
        )
    for purpose, people in ((AVATAR, found.avatars), (HEADER, found.headers)):
        if people.count:
            yield Finding(
                FAULT,
                f"The {purpose} of {people.count:,} people is no picture of theirs; {IN_A_SHELL}: "
                f"{write_repair_of_portraits(purpose, people.names)}",
            )
    if found.unshown.count:
        yield Finding(
            WARNING,
            f"{found.unshown.count:,} pictures are shown by nothing and wait for nothing, so that they would "
            f"stay for ever; {IN_A_SHELL}, and the worker deletes them: "
            f"{write_repair_of_unshown(found.unshown.names)}",
        )


def name(found: Named) -> str:
    """Some of them."""
    more = ", …" if found.count > len(found.names) else ""
    return f"{', '.join(found.names)}{more}"
