"""An index in a folder, where each package has a release newer than any that the world has."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable
from pathlib import Path

VERSION = "9999"
WHEEL = "Wheel-Version: 1.0\nGenerator: microblog's tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def make_index(folder: Path, packages: Iterable[str]) -> str:
    """Writes an index as PEP 503 has it, and returns the address that pip takes for it."""
    for name in packages:
        (folder / name).mkdir(parents=True)
        wheel = make_wheel(folder / name, name)
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        link = f'<!DOCTYPE html><a href="{wheel.name}#sha256={digest}">{wheel.name}</a>\n'
        (folder / name / "index.html").write_text(link, encoding="utf-8")
    return folder.as_uri()


def make_wheel(folder: Path, name: str) -> Path:
    """A distribution with nothing in it. It names no extras; pip takes it for any, with a warning."""
    stem = f"{name.replace('-', '_')}-{VERSION}"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {VERSION}\n"
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{stem}.dist-info/METADATA", metadata)
        archive.writestr(f"{stem}.dist-info/WHEEL", WHEEL)
        archive.writestr(f"{stem}.dist-info/RECORD", "")
    return folder / f"{stem}-py3-none-any.whl"
