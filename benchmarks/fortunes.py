"""Debian's fortunes as JSON lines for `microblog import`: thousands of short real texts.

    python -m benchmarks.fortunes [FOLDER] > corpus.jsonl

They come from the packages fortunes, fortunes-min, fortunes-es and fortunes-de. A file is an author,
a sub-folder (`es`, `de`) a language, and the moments are spread over some years, the same ones each
time. Needs `microblog.posts.max_length = 2000`, and then a few are still too long.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

FOLDER = Path("/usr/share/games/fortunes")
INSTALL = "apt-get install fortunes fortunes-min fortunes-es fortunes-de"
SEED = 20261122
FIRST = datetime(2008, 1, 1, tzinfo=UTC)
YEARS = timedelta(days=18 * 365)
LANGUAGE_OF_TOP = "en"
SEPARATOR = re.compile(r"^%\n", re.MULTILINE)
OVERSTRUCK = re.compile(r".\x08")  # how a printer made bold letters and accents
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def files(folder: Path) -> Iterator[tuple[str, Path]]:
    """(language, file); `off/` and the like hold what is not for everybody."""
    for path in sorted(folder.iterdir()):
        if path.is_dir() and len(path.name) == 2:
            yield from ((path.name, file) for file in sorted(path.iterdir()) if is_fortunes(file))
        elif is_fortunes(path):
            yield LANGUAGE_OF_TOP, path


def is_fortunes(path: Path) -> bool:
    """Not an index, and not the second name (.u8) of a file."""
    return path.is_file() and not path.is_symlink() and path.suffix not in (".dat", ".u8")


def texts(path: Path) -> Iterator[str]:
    content = path.read_bytes()
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    for fortune in SEPARATOR.split(text):
        clean = CONTROL.sub("", OVERSTRUCK.sub("", fortune)).strip()
        if clean:
            yield clean


def author_of(path: Path, language: str) -> str:
    """A nickname: `people` alone would be reserved, `people.en` is not."""
    return f"{re.sub('[^A-Za-z0-9]', '_', path.name.split('.')[0])[:26]}.{language}"


def fortunes(folder: Path = FOLDER) -> Iterator[dict[str, str]]:
    """One object a text, as `microblog import` takes them."""
    moments = random.Random(SEED)
    for language, path in files(folder):
        for text in texts(path):
            created = FIRST + YEARS * moments.random()
            yield {
                "author": author_of(path, language),
                "body": text,
                "created": created.isoformat(timespec="milliseconds"),
                "language": language,
            }


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.fortunes", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    folder = parser.parse_args().folder
    if not folder.is_dir():
        print(f"There are no fortunes in {folder}: install them ({INSTALL}).", file=sys.stderr)
        return 1
    for fortune in fortunes(folder):
        print(json.dumps(fortune, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
