"""The files of profiles, and the signed values with which a profile may be requested.

A profile is two files of one name: `NAME.prof`, which pstats and snakeviz open, and `NAME.json`, with the
request and its SQL. The .json is written last, so where it exists both do. Names begin with the time in UTC,
so that they sort by time. Several processes may write to a folder at the same time.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import marshal
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

from microblog.observing import Recorded

HEADER = "X-Microblog-Profile"
COOKIE = "microblog-profile"

NAME = re.compile(r"\d{8}T\d{12}Z-[A-Za-z0-9._-]{1,200}")
NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._]+")
PATH_CHARACTERS = 60  # of the path in a name
PACKAGES = re.compile(r".*/(?:site-packages|python3\.\d+)/")
ADDRESS = re.compile(r" at 0x[0-9a-f]+")  # of an object in memory
OURS = str(Path(__file__).parents[1])


@dataclass(frozen=True)
class Profiled:
    """One request that was profiled. `status` is None when an exception was raised; `began` is in UTC.

    `seconds` and `calls` are the totals of the profile, as in the head of its report.
    """

    began: str
    request_id: str
    method: str
    path: str
    status: int | None
    context_name: str
    view_name: str
    seconds: float
    calls: int
    sql: tuple[Recorded, ...]

    @property
    def timestamp(self) -> datetime:
        return datetime.fromisoformat(self.began)

    @property
    def sql_seconds(self) -> float:
        return sum(each.seconds for each in self.sql)

    @property
    def name(self) -> str:
        """The name of its files: when, how long, and what, in characters that are safe in files and URLs."""
        parts = (
            f"{self.timestamp:%Y%m%dT%H%M%S%fZ}",
            f"{self.seconds * 1000:.0f}ms",
            NOT_IN_A_NAME.sub("_", self.method)[:10],
            NOT_IN_A_NAME.sub("_", self.path).strip("_")[:PATH_CHARACTERS] or "root",
            self.request_id,
        )
        return "-".join(parts)


class Function(NamedTuple):
    """A line of the table: `own` is the time without the functions that it called, `seconds` with them."""

    name: str
    location: str
    calls: int
    own: float
    seconds: float


ORDERS: dict[str, Callable[[Function], Any]] = {
    "time": lambda function: (-function.own, -function.calls, function.location),
    "cumulative": lambda function: (-function.seconds, -function.calls, function.location),
    "calls": lambda function: (-function.calls, -function.own, function.location),
    "name": lambda function: (function.location, function.name),
}


# Files


def write(folder: Path, profiled: Profiled, stats: Any, *, keep: int) -> str:
    """Write both files, and remove the oldest profiles beyond `keep`; return the name of the profile.

    `stats` come from `build_statistics()`.

    :raises OSError: when the profile cannot be written; then nothing is left of it.
    """
    name = profiled.name
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    data = folder / f"{name}.prof"
    new = folder / f"{name}.new"
    try:
        # The SQL contains what people wrote and searched for: no other user of this machine may read it.
        new.touch(mode=0o600)
        stats.dump_stats(str(new))
        new.replace(data)
        new.touch(mode=0o600)
        new.write_text(json.dumps(asdict(profiled)), encoding="utf-8")
        new.replace(folder / f"{name}.json")
    except OSError:
        new.unlink(missing_ok=True)
        data.unlink(missing_ok=True)
        raise
    remove_oldest(folder, keep, new=name)
    return name


def find_names(files: Iterable[os.DirEntry[str]], suffixes: tuple[str, ...]) -> set[str]:
    """The names of the profiles among these files; other files are ignored."""
    parts = (file.name.rpartition(".") for file in files)
    return {stem for stem, _, suffix in parts if suffix in suffixes and NAME.fullmatch(stem)}


def list_names(folder: Path) -> list[str]:
    """The names of all profiles, the newest first; none when there is no such folder."""
    try:
        with os.scandir(folder) as files:
            return sorted(find_names(files, ("json",)), reverse=True)
    except OSError:
        return []


def remove_oldest(folder: Path, keep: int, *, new: str = "") -> None:
    """Remove all but the newest profiles, and files that a killed process left behind; `new` always stays.

    Profiles dated after tomorrow are removed first: the clock was wrong, and they would stay for ever.
    """
    tomorrow = f"{datetime.now(UTC) + timedelta(days=1):%Y%m%dT%H%M%S%fZ}"
    with os.scandir(folder) as files:
        found = sorted(
            find_names(files, ("json", "prof", "new")),
            key=lambda stem: (stem == new, stem < tomorrow, stem),
            reverse=True,
        )
    for stem in found[keep:]:
        for suffix in (".json", ".prof", ".new"):
            (folder / f"{stem}{suffix}").unlink(missing_ok=True)


def read(folder: Path, name: str) -> Profiled | None:
    """The profile of that name; None when there is none, or its file is broken."""
    if not NAME.fullmatch(name):
        return None
    try:
        values = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        values["sql"] = tuple(Recorded(**each) for each in values["sql"])
        profiled = Profiled(**values)
        # What the pages use; each raises when another program wrote the file.
        _ = profiled.name, profiled.sql_seconds, f"{profiled.calls:,d}"
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return profiled


def read_functions(file: Path) -> list[Function]:
    """The functions of a .prof file, in no order; none when it is missing or broken."""
    try:
        # Not by pstats, which prints a message about a broken file. The folder is the operator's own.
        stats = marshal.loads(file.read_bytes())  # noqa: S302
        return [
            Function(ADDRESS.sub("", name), format_location(path, line), calls, own, seconds)
            for (path, line, name), (_, calls, own, seconds, _) in stats.items()
        ]
    except (OSError, EOFError, ValueError, TypeError, AttributeError):
        return []


def format_location(path: str, line: int) -> str:
    """`microblog/posts/queries.py:41`, `sqlalchemy/orm/session.py:7`; "" for functions in C."""
    if path == "~":
        return ""
    if path.startswith(OURS):
        return f"microblog{path[len(OURS) :]}:{line}"
    return f"{PACKAGES.sub('', path)}:{line}"


# Requesting one


def sign_pattern(secret: str, pattern: str, expires: int) -> str:
    """A value with which requests for paths like `pattern` are profiled until `expires` (Unix time)."""
    encoded = base64.urlsafe_b64encode(pattern.encode()).decode().rstrip("=")
    text = f"{expires}.{encoded}"
    return f"{text}.{compute_signature(secret, text)}"


def compute_signature(secret: str, text: str) -> str:
    return hmac.new(secret.encode(), f"profile:{text}".encode(), hashlib.sha256).hexdigest()


def find_refusal(secret: str, value: str, path: str) -> str | None:
    """Why this value does not let a request for `path` be profiled, as a phrase; None when it does."""
    text, _, sent = value.rpartition(".")
    expected = compute_signature(secret, text) if text.isascii() else ""
    if not hmac.compare_digest(sent.encode("utf-8", "surrogateescape"), expected.encode()):
        return "the value is not one of this site"
    expires, _, encoded = text.partition(".")
    if datetime.now(UTC).timestamp() >= int(expires):
        return "the value has expired"
    pattern = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    if not fnmatchcase(path, pattern):
        return "the value is for other paths"
    return None
