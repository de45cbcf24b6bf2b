"""The texts that an operator wrote: files in a folder, read again when they change.

`about.md` is in the language of the site, `about.es.md` in Spanish. A file that is empty counts as not
written; one that cannot be read is never silently replaced by words that the operator did not choose.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from microblog.about.markdown import render
from microblog.i18n import parse_locale

MOST_BYTES = 200_000  # of a text: about thirty pages of a book
FILE_NAME = re.compile(r"([a-z]+)(?:\.([A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*))?\.md")
# A file that was added in the same tick of the file system's clock may be missing in the list.
SECONDS_UNTIL_SETTLED = 2.0

log = logging.getLogger(__name__)


class BrokenText(Exception):
    """The text cannot be shown; the message is a sentence for the operator."""


@dataclass(frozen=True)
class Text:
    """`title` is the first heading, None without one; `body` is HTML; `language` is a tag such as `es`."""

    title: str | None
    body: Markup
    language: str


Version = tuple[int, int, int]


class Library:
    """The texts of a folder; without a folder there are none."""

    def __init__(self, folder: Path | None, language: str) -> None:
        self.folder = folder
        self._language = language
        self._listing: tuple[int, dict[str, dict[str, Path]]] | None = None
        self._texts: dict[Path, tuple[Version, Text | BrokenText]] = {}

    def list_files(self) -> dict[str, dict[str, Path]]:
        """By name ("about") and language; the folder is listed again when a file was added or removed."""
        if self.folder is None:
            return {}
        try:
            changed = self.folder.stat().st_mtime_ns
        except OSError:
            return {}
        if self._listing is not None and self._listing[0] == changed:
            return self._listing[1]
        found: dict[str, dict[str, Path]] = {}
        for path in sorted(self.folder.iterdir()):
            match = FILE_NAME.fullmatch(path.name)
            if match is not None and (match[2] is None or parse_locale(match[2])):
                found.setdefault(match[1], {})[(match[2] or self._language).lower()] = path
        if time.time_ns() - changed > SECONDS_UNTIL_SETTLED * 1e9:
            self._listing = changed, found
        return found

    def exists(self, name: str) -> bool:
        """Has the operator written a text of this name, in any language?"""
        return any(has_content(path) for path in self.list_files().get(name, {}).values())

    def find(self, name: str, languages: Iterable[str]) -> Text | None:
        """The text in the first of these languages that there is, else in that of the site, else in any.

        :raises BrokenText: when that one cannot be shown.
        """
        files = {
            language: path for language, path in self.list_files().get(name, {}).items() if has_content(path)
        }
        for language in (*languages, self._language, *files):
            path = files.get(language.lower())
            if path is not None:
                return self._read(path, language)
        return None

    def _read(self, path: Path, language: str) -> Text:
        try:
            state = path.stat()
        except OSError as error:
            raise BrokenText(f"{path} cannot be read: {error.strerror}.") from None
        version = (state.st_mtime_ns, state.st_size, state.st_ino)
        known = self._texts.get(path)
        if known is None or known[0] != version:
            known = version, read_text(path, language)
            self._texts[path] = known
            if isinstance(known[1], BrokenText):
                log.error("%s", known[1])
        if isinstance(known[1], BrokenText):
            raise BrokenText(*known[1].args)
        return known[1]

    def find_problems(self) -> list[str]:
        """A sentence for each text that cannot be shown, and for a folder that is not there."""
        if self.folder is not None and not self.folder.is_dir():
            return [f"{self.folder} is no folder, so the pages show the texts of microblog."]
        problems = []
        for files in self.list_files().values():
            for language, path in files.items():
                try:
                    self._read(path, language)
                except BrokenText as error:
                    problems.append(str(error))
        return problems


def has_content(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:
        return True  # it was listed: what is wrong with it shows when it is read


def read_text(path: Path, language: str) -> Text | BrokenText:
    """What the file says, or why it cannot be shown."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        return BrokenText(f"{path} cannot be read: {error.strerror}.")
    if len(content) > MOST_BYTES:
        return BrokenText(f"{path} is larger than {MOST_BYTES:,} bytes: shorten it.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return BrokenText(f"{path} is not UTF-8 (byte {error.start:,}): save it as UTF-8.")
    title, body = render(text)
    return Text(title, body, language)
