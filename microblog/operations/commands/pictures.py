"""What `microblog backup`, `restore` and `copy-database` do with the files of pictures."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

import click
import sqlalchemy as sa

from microblog.alerts.failed_commands import warn
from microblog.console.progress import Progress
from microblog.console.site import Site
from microblog.db import Database
from microblog.errors import OperatorError
from microblog.media import upkeep_queries as queries
from microblog.media.checking import Named
from microblog.media.describing import name
from microblog.media.names import list_files
from microblog.media.storage.folder import FolderStorage
from microblog.media.storage.interfaces import get_storage
from microblog.media.storage.settings import FOLDER, STORAGE
from microblog.media.upkeep_queries import KeptPicture
from microblog.operations import pictures
from microblog.operations.pictures import Added, Compared, PictureFolder
from microblog.request import Registry

MEGABYTE = 1_000_000
PICTURES_AT_ONCE = 500
FILES_OF_A_PICTURE = 2  # about
ALLOW_MISSING = "--allow-missing-pictures"


def describe_place(registry: Registry) -> str:
    """Where pictures are kept, as the settings say it."""
    settings = registry.microblog
    if settings[STORAGE] == FolderStorage.name:
        return f"{FOLDER.key} = {settings[FOLDER]}"
    return f"{STORAGE.key} = {settings[STORAGE]}"


def is_in_folder(site: Site) -> bool:
    return isinstance(get_storage(site.registry), FolderStorage)


class PictureBackup:
    """The pictures of a backup, which is being made.

    They are copied before the database, and once more after it: a picture that was added meanwhile has its
    file before its row, and one that was deleted meanwhile is in the first copy.
    """

    def __init__(self, site: Site, file: Path) -> None:
        self._site = site
        self._file = file
        self._folder = PictureFolder(pictures.get_folder(file))
        self._time = pictures.get_time(file)
        self._failure: Exception | None = None
        self._added = Added()

    def copy(self) -> None:
        """Copy what is new. A failure is kept for `finish`: the database is worth a backup without it."""
        if self._failure is not None or not is_in_folder(self._site):
            return
        try:
            self._refuse_own_folder()
            progress = Progress(FILES_OF_A_PICTURE * self._count_pictures(), "files of pictures")
            added = self._folder.add_all(get_storage(self._site.registry), self._time, progress.advance)
            progress.finish()
            self._added.files = added.files
            self._added.new += added.new
            self._added.bytes += added.bytes
        except (OperatorError, OSError) as error:
            self._failure = error

    def _count_pictures(self) -> int:
        """Of a database that can be read; what is wrong with another is said when it is backed up."""
        file = self._site.database_file
        if file is None or file.exists():  # nothing makes it
            with suppress(sa.exc.SQLAlchemyError), self._site.database.read() as session:
                return queries.count_pictures(session)
        return 0

    def _refuse_own_folder(self) -> None:
        folder = self._site.registry.microblog[FOLDER]
        if folder.resolve() == self._folder.path.resolve():
            raise OperatorError(
                f"Backups keep their pictures in {folder}, and so does the site: name another folder for one "
                "of the two."
            )

    def finish(self) -> None:
        """Say what was done.

        :raises Exception: when pictures could not be copied.
        """
        if self._failure is not None:
            raise self._failure
        if not is_in_folder(self._site):
            click.echo(
                f"Pictures are not in it: they stay where they are ({describe_place(self._site.registry)})."
            )
            return
        if self._added.files:
            click.echo(
                f"Its {self._added.files:,} files of pictures are in {self._folder.path} ("
                f"{self._added.new:,} new, {self._added.bytes / MEGABYTE:,.1f} MB)."
            )
        self._warn_of_missing()

    def _warn_of_missing(self) -> None:
        """Of files that the site does not have any longer, although it has their rows."""
        missing = Named()
        for some in split(pictures.read_pictures(self._file)):
            lacking = {each.name for each in some if not self._has_all(each)}
            with self._site.database.read() as session:
                for each in sorted(queries.find_pictures(session, sorted(lacking))):
                    missing.add(each)
        if missing.count:
            warn(
                self._site,
                "The backup lacks pictures",
                f"{missing.count:,} pictures have no file, neither here nor in the backup ({name(missing)}): "
                f"`{self._site.command('media check')}` says what to do.",
            )

    def _has_all(self, picture: KeptPicture) -> bool:
        files = list_files(picture.name, len(picture.checksums))
        return all(self._folder.find(file) is not None for file in files)


def tidy_pictures(folder: Path) -> None:
    """Remove the files of pictures that no backup of the folder has any longer."""
    removed = pictures.remove_unneeded(folder)
    if removed:
        click.echo(f"Removed {removed:,} files of pictures that no backup has any longer.")


def verify_pictures(site: Site, backup: Path) -> str:
    """A sentence about the pictures of a backup, all of which are there; "" without any.

    :raises OperatorError: when files are missing, or damaged.
    """
    folder = PictureFolder(pictures.get_folder(backup))
    if not folder.is_there() and not is_in_folder(site):
        return f"Pictures are not in it ({describe_place(site.registry)})."
    progress = Progress(count_pictures(backup), "pictures read")
    found = pictures.verify(backup, progress.advance)
    progress.finish()
    if found.missing.count or found.damaged.count:
        raise OperatorError(
            f"{backup} is whole, but of its pictures in {folder.path} {describe_wrong(found)}: run "
            f"`{site.command('media check')}`, and then make another backup."
        )
    return f"Its {found.pictures:,} pictures are whole, too." if found.pictures else ""


def describe_wrong(found: Compared) -> str:
    """Part of a sentence."""
    wrong = ((found.missing, "are missing"), (found.damaged, "are damaged"))
    return " and ".join(f"{each.count:,} files {what} ({name(each)})" for each, what in wrong if each.count)


class PictureRestore:
    """The pictures of a backup, which is being restored.

    They come back before the database: a file without a row does no harm.
    """

    def __init__(self, site: Site, backup: Path, *, allow_missing: bool) -> None:
        self._site = site
        self._backup = backup
        self._folder = PictureFolder(pictures.get_folder(backup))
        self._allow_missing = allow_missing

    def bring_back(self) -> None:
        """Store what the site lacks.

        :raises OperatorError: when files are missing in the backup, too; then nothing was done.
        :raises StorageUnavailable: when they cannot be stored.
        """
        site, storage = self._site, get_storage(self._site.registry)
        if not self._folder.is_there() and not is_in_folder(site):
            click.echo(f"Pictures stay where they are ({describe_place(site.registry)}).")
            return
        if not self._allow_missing:
            self._refuse_missing(pictures.find_missing(self._backup, storage))
        progress = Progress(count_pictures(self._backup), "pictures")
        known = pictures.read_pictures(self._backup)
        found = pictures.bring_back(self._backup, storage, known, progress.advance)
        progress.finish()
        say_brought(found)
        if found.missing.count or found.damaged.count:
            click.echo(f"Warning: of its pictures {describe_wrong(found)}.", err=True)

    def _refuse_missing(self, found: Compared) -> None:
        if found.missing.count:
            raise OperatorError(
                f"{found.missing.count:,} of {found.files:,} files of the backup's pictures are missing "
                f"({name(found.missing)}): put the folder {self._folder.path} there, which was made with the "
                f"backup, or add {ALLOW_MISSING}."
            )


def restore_pictures_only(site: Site, backup: Path) -> None:
    """Bring back the files of the site's own pictures that are missing or damaged, from a backup.

    :raises OperatorError: when some are not in the backup.
    """
    database = site.require_database()
    storage = get_storage(site.registry)
    progress = Progress(count_pictures(backup), "pictures compared")

    def list_ours() -> Iterator[KeptPicture]:
        """Those that the site still has: others were deleted since, and stay so."""
        for some in split(pictures.read_pictures(backup)):
            with database.read() as session:
                ours = queries.find_pictures(session, [each.name for each in some])
            yield from (each for each in some if each.name in ours)

    found = pictures.bring_back(backup, storage, list_ours(), progress.advance, reading=True)
    progress.finish()
    say_brought(found)
    if found.missing.count or found.damaged.count:
        raise OperatorError(
            f"In {pictures.get_folder(backup)}, too, {describe_wrong(found)}: try an older backup."
        )


def say_brought(found: Compared) -> None:
    if found.pictures:
        click.echo(f"Brought back {found.brought:,} of {found.files:,} files of {found.pictures:,} pictures.")


class PictureCopy:
    """The pictures of a database, which is being copied to another one."""

    def __init__(self, registry: Registry, path: Path | None) -> None:
        self._registry = registry
        self._path = path

    def copy(self, database: Database) -> None:
        """Copy the files to the folder, before the rows; without one they stay where they are.

        :raises StorageUnavailable: when they cannot be read.
        """
        if self._path is None:
            return
        folder, storage = PictureFolder(self._path, is_for_a_site=True), get_storage(self._registry)
        missing = Named()
        with database.read() as session:
            progress = Progress(queries.count_pictures(session), "pictures copied")
        files = 0
        for picture in queries.walk_pictures(database):
            for file in list_files(picture.name, len(picture.checksums)):
                if folder.find(file) is None and folder.copy(storage, file, time.time()) is None:
                    missing.add(file)
                files += 1
            progress.advance(1)
        progress.finish()
        os.sync()
        click.echo(f"Copied {files - missing.count:,} files of pictures to {self._path}.")
        if missing.count:
            click.echo(
                f"Warning: {missing.count:,} files of pictures are missing where they are kept ("
                f"{name(missing)}; {describe_place(self._registry)}).",
                err=True,
            )

    def describe(self, count: int) -> str | None:
        """What to do about so many pictures; None without any."""
        if not count:
            return None
        if self._path is not None:
            return f"For its pictures set {FOLDER.key} = {self._path}."
        return (
            f"The files of its {count:,} pictures stay where they are ({describe_place(self._registry)}): "
            "the new site has to name the same place. Where both run, give one a copy: --pictures FOLDER."
        )


def count_pictures(backup: Path) -> int:
    return sum(1 for _ in pictures.read_pictures(backup))


def split(found: Iterator[KeptPicture]) -> Iterator[list[KeptPicture]]:
    while some := list(islice(found, PICTURES_AT_ONCE)):
        yield some
