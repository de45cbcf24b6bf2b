"""Posts from a file of JSON lines.

Nothing is ever doubled, whatever is imported again: a post keeps a key made of its text and moment,
which is unique with its author. So a corrected file may be imported once more, and of a file that
was interrupted, even by `kill -9`, the rest is loaded: its progress is a row, found by the file's
SHA-256, which is written in the transaction of the posts.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, BinaryIO

from sqlalchemy import orm
from wtforms.validators import ValidationError

from microblog.accounts.nicknames import make_valid_nickname, nickname_key, nickname_problem
from microblog.accounts.queries import add_user, make_unique_nickname
from microblog.archive import queries
from microblog.archive.models import AUTHOR_LENGTH
from microblog.archive.queries import Progress
from microblog.db import Database
from microblog.forms import CODE_POINTS_IN_A_GRAPHEME, AtMost, no_control_characters, unix_lines
from microblog.posts.forms import says_something
from microblog.posts.ids import id_of_moment

# As many as search indexes in the transaction that writes them: what is imported is found at once.
LINES_IN_A_TRANSACTION = 1000
FIELDS = frozenset({"author", "body", "created", "language"})
REQUIRED = ("author", "body", "created")
LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
LANGUAGE_LENGTH = 35
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
LONGEST_ESCAPE_BYTES = 12  # \ud83d\ude00
OTHER_FIELDS_BYTES = 10_000
PIECE_BYTES = 1 << 20


class BadLine(Exception):
    """A line that cannot become a post; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A line that can become a post. `author` is a name, and not always a nickname."""

    author: str
    body: str
    created: datetime
    language: str | None

    @property
    def key(self) -> str:
        """The same for the same text of the same moment."""
        digest = hashlib.blake2b(f"{self.created.isoformat()}\n{self.body}".encode(), digest_size=16)
        return base64.urlsafe_b64encode(digest.digest()).decode().rstrip("=")


@dataclass(slots=True)
class Text:
    """What the validators of the form look at."""

    data: str


def digest_of(file: BinaryIO, progress: Callable[[int], None]) -> str:
    """SHA-256 of a file from here to its end; `progress(bytes)` is called as it goes."""
    digest = hashlib.sha256()
    while piece := file.read(PIECE_BYTES):
        digest.update(piece)
        progress(len(piece))
    return digest.hexdigest()


class Importer:
    """The import of one file into one database.

    `on_bad_line(number, sentence)` is told about each line that cannot be loaded. `renamed` holds the
    nicknames of the accounts that were made for authors whose names cannot be nicknames.
    """

    def __init__(
        self, database: Database, *, max_length: int, on_bad_line: Callable[[int, str], None]
    ) -> None:
        self._database = database
        self._max_length = max_length
        self._on_bad_line = on_bad_line
        self.renamed: dict[str, str] = {}

    def run(self, file: BinaryIO, digest: str, file_name: str, done: Progress | None) -> Iterator[Progress]:
        """Load what comes after `done`; the progress after each transaction."""
        progress = done or Progress()
        if done is None:
            with self._database.write() as session:
                queries.start_import(session, digest, file_name)
        file.seek(progress.position)
        lines = read_lines(file, self._longest_line())
        while batch := list(islice(lines, LINES_IN_A_TRANSACTION)):
            drafts = list(self._drafts(batch, progress))
            with self._database.write() as session:
                posts = self._add(session, drafts)
                progress.posts += posts
                progress.present += len(drafts) - posts
                progress.position = file.tell()
                queries.save_progress(session, digest, progress)
            yield progress
        progress.finished = datetime.now(UTC)
        with self._database.write() as session:
            queries.save_progress(session, digest, progress)

    def _longest_line(self) -> int:
        """No line that can become a post has more bytes than this."""
        return self._max_length * CODE_POINTS_IN_A_GRAPHEME * LONGEST_ESCAPE_BYTES + OTHER_FIELDS_BYTES

    def _drafts(self, lines: list[bytes | None], progress: Progress) -> Iterator[Draft]:
        now = datetime.now(UTC)
        for line in lines:
            progress.lines += 1
            try:
                if line is None:
                    raise BadLine("This line is far too long for a post.")
                if progress.lines == 1:
                    line = line.removeprefix(BYTE_ORDER_MARK)  # noqa: PLW2901
                if line.strip():
                    yield draft_of(line, self._max_length, now)
            except BadLine as error:
                progress.refused += 1
                self._on_bad_line(progress.lines, str(error))

    def _add(self, session: orm.Session, drafts: list[Draft]) -> int:
        """How many of them are new."""
        authors = self._authors(session, drafts)
        rows: dict[tuple[int, str], dict[str, Any]] = {}
        for draft in drafts:
            user_id, key = authors[draft.author], draft.key
            rows.setdefault(
                (user_id, key),
                {"user_id": user_id, "body": draft.body, "language": draft.language, "form_key": key}
                | {"created": draft.created},
            )
        return add_rows(session, list(rows.values()))

    def _authors(self, session: orm.Session, drafts: list[Draft]) -> dict[str, int]:
        """The ids of the authors by their names; who is not there yet is added."""
        since: dict[str, datetime] = {}
        for draft in drafts:
            since[draft.author] = min(draft.created, since.get(draft.author, draft.created))
        nicknames = {name for name in since if nickname_problem(name) is None}
        owners = queries.owners_of_nicknames(session, nicknames)
        ids = queries.imported_authors(session, since.keys() - nicknames)
        for name, moment in since.items():
            if name in nicknames:
                key = nickname_key(name)
                if key not in owners:
                    owners[key] = add_user(session, name, member_since=moment)
                ids[name] = owners[key]
            elif name not in ids:
                # A free one: nobody gets posts under a name that only resembles theirs.
                nickname = make_unique_nickname(session, name)
                ids[name] = add_user(session, nickname, member_since=moment)
                queries.remember_author(session, name, ids[name])
                self.renamed[name] = nickname
        return ids


def read_lines(file: BinaryIO, longest: int) -> Iterator[bytes | None]:
    """Line by line; None for one of more than `longest` bytes, of which never more is kept."""
    while line := file.readline(longest + 1):
        if len(line) <= longest or line.endswith(b"\n"):
            yield line
            continue
        while (piece := file.readline(PIECE_BYTES)) and not piece.endswith(b"\n"):
            pass
        yield None


def draft_of(line: bytes, max_length: int, now: datetime) -> Draft:
    """:raises BadLine: with what is wrong with it."""
    try:
        fields = json.loads(line.decode())
    except UnicodeDecodeError:
        raise BadLine("This line is not UTF-8.") from None
    except (ValueError, RecursionError) as error:
        raise BadLine(f"This line is not JSON ({str(error)[:100]}).") from None
    if not isinstance(fields, dict):
        raise BadLine("This line is not a JSON object.")
    for name in sorted(fields.keys() - FIELDS):
        raise BadLine(f"There is no field called {name[:50]!r}; there are {', '.join(sorted(FIELDS))}.")
    for name in REQUIRED:
        if not isinstance(fields.get(name), str):
            raise BadLine(f"“{name}” is missing, or no text.")
    return Draft(
        author=author_of(fields["author"]),
        body=body_of(fields["body"], max_length),
        created=moment_of(fields["created"], now),
        language=language_of(fields.get("language")),
    )


def author_of(name: str) -> str:
    name = name.strip()
    if nickname_problem(name) is None:
        return name
    if len(name) > AUTHOR_LENGTH:
        raise BadLine(f"“author” has more than {AUTHOR_LENGTH} characters.")
    try:
        no_control_characters(None, Text(name))
    except ValidationError:
        raise BadLine("“author” holds a control character.") from None
    if not make_valid_nickname(name):
        raise BadLine(f"No nickname can be made of the author {name[:50]!r}: use letters a to z and digits.")
    return name


def body_of(text: str, max_length: int) -> str:
    """As the form would take it."""
    body = Text(unix_lines(text))
    try:
        for validator in (says_something, no_control_characters, AtMost(max_length)):
            validator(None, body)
    except ValidationError as error:
        raise BadLine(str(error)) from None
    return body.data


def moment_of(text: str, now: datetime) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise BadLine(f"“created” is no moment like 2026-01-31T12:00:00Z, but {text[:50]!r}.") from None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    if moment < EPOCH:
        raise BadLine("“created” is before 1970.")
    if moment > now:
        raise BadLine("“created” is in the future.")
    return moment.astimezone(UTC)


def language_of(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > LANGUAGE_LENGTH or not LANGUAGE.fullmatch(value):
        raise BadLine("“language” is no language like de or pt-BR.")
    return value.lower()


def add_rows(session: orm.Session, rows: list[dict[str, Any]]) -> int:
    """Add those posts that are not there yet; how many that is. An id that is taken is drawn again."""
    count = 0
    while rows:
        by_id: dict[int, dict[str, Any]] = {}
        for row in rows:
            post_id = id_of_moment(row["created"])
            while post_id in by_id:
                post_id += 1
            by_id[post_id] = row
        new = queries.add_missing_posts(
            session,
            [
                {"id": post_id, **{name: value for name, value in row.items() if name != "created"}}
                for post_id, row in by_id.items()
            ],
        )
        count += len(new)
        rows = [row for post_id, row in by_id.items() if post_id not in new]
        present = queries.used_keys(session, rows) if rows else set()
        rows = [row for row in rows if (row["user_id"], row["form_key"]) not in present]
    return count
