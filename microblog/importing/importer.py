"""Loads posts from a file of JSON lines.

Importing a file again doubles nothing: a post has a key made of its text and timestamp, which is unique
for its author. So a corrected file may be imported again. An import that was interrupted, even by
`kill -9`, is resumed: its progress is a row, identified by the file's SHA-256, and written in the
transaction of the posts. Posts with the same timestamp keep the order of the file, across all authors
(`microblog.importing.order`).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any, BinaryIO

from pyramid_retry import IRetryableError
from sqlalchemy import orm

from microblog.accounts.nicknames import find_nickname_problem, make_valid_nickname
from microblog.accounts.queries import lock_people
from microblog.db import Database
from microblog.ids import get_first_id_at
from microblog.importing import queries
from microblog.importing.authors import get_or_add_accounts, make_author_key
from microblog.importing.models import AUTHOR_LENGTH
from microblog.importing.order import IDS_IN_A_MILLISECOND, assign_ids, is_full
from microblog.importing.queries import Progress
from microblog.posts.actions import import_posts
from microblog.posts.detection import detect_language
from microblog.posts.rules import check_body, is_language_tag
from microblog.texts import CODE_POINTS_IN_A_GRAPHEME, InvalidText, check_characters, to_unix_lines

# As many as search indexes in the writing transaction, so that imported posts are found at once.
LINES_IN_A_TRANSACTION = 1000
ATTEMPTS = 5  # of a transaction that collides with others
FIELDS = frozenset({"author", "body", "created", "language"})
REQUIRED = ("author", "body", "created")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
LONGEST_ESCAPE_BYTES = 12  # \ud83d\ude00
OTHER_FIELDS_BYTES = 10_000
PIECE_BYTES = 1 << 20


class BadLine(Exception):
    """A line that cannot become a post; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A line that can become a post. `author` is a name as the file has it, and not always a nickname."""

    author: str
    body: str
    created: datetime
    language: str | None

    @property
    def key(self) -> str:
        """The same for equal texts with equal timestamps."""
        digest = hashlib.blake2b(f"{self.created.isoformat()}\n{self.body}".encode(), digest_size=16)
        return base64.urlsafe_b64encode(digest.digest()).decode().rstrip("=")


def compute_digest(file: BinaryIO, progress: Callable[[int], None]) -> str:
    """SHA-256 of a file from its position to its end; `progress(bytes)` is called after each piece."""
    digest = hashlib.sha256()
    while piece := file.read(PIECE_BYTES):
        digest.update(piece)
        progress(len(piece))
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Added:
    """What one transaction added: the number of posts, and `last` and `renamed` for the importer."""

    posts: int
    last: dict[int, int]
    renamed: dict[str, str]


class Importer:
    """The import of one file into one database.

    `on_bad_line(number, sentence)` is called for each line that cannot be loaded. `renamed` holds the
    nicknames of the accounts that were made for authors whose names cannot be nicknames.
    `detect_language(text)` is asked for the language of lines that name none.
    """

    def __init__(
        self,
        database: Database,
        *,
        max_length: int,
        on_bad_line: Callable[[int, str], None],
        detect_language: Callable[[str], str | None] = detect_language,
    ) -> None:
        self._database = database
        self._max_length = max_length
        self._on_bad_line = on_bad_line
        self._detect_language = detect_language
        self.renamed: dict[str, str] = {}
        # From the previous transaction: the id of the last line of each millisecond, by its first id.
        self._last: dict[int, int] = {}

    def run(self, file: BinaryIO, digest: str, file_name: str, done: Progress | None) -> Iterator[Progress]:
        """Load the lines after `done`; yield the progress after each transaction.

        :raises ImportedElsewhere: when another process imports this file at the same time.
        """
        progress = done or Progress()
        if done is None:
            with self._database.write() as session:
                queries.start_import(session, digest, file_name)
        file.seek(progress.position)
        lines = read_lines(file, self._compute_longest_line())
        while batch := list(islice(lines, LINES_IN_A_TRANSACTION)):
            before = progress.position
            drafts = list(self._parse_lines(batch, progress))
            progress.position = file.tell()
            progress = self._write_batch(digest, drafts, progress, before)
            yield progress
        finished = replace(progress, finished=datetime.now(UTC))
        with self._database.write() as session:
            queries.save_progress(session, digest, finished, position=progress.position)
        yield finished

    def _write_batch(self, digest: str, drafts: list[Draft], progress: Progress, before: int) -> Progress:
        """Add the posts of a batch in one transaction, which is retried when it collides with others."""
        for attempt in range(1, ATTEMPTS + 1):  # pragma: no branch  # the last one raises
            try:
                with self._database.write() as session:
                    added = self._add(session, drafts)
                    now = replace(
                        progress,
                        posts=progress.posts + added.posts,
                        present=progress.present + len(drafts) - added.posts,
                    )
                    queries.save_progress(session, digest, now, position=before)
                break
            except Exception as error:
                if attempt == ATTEMPTS or not IRetryableError.providedBy(error):
                    raise
        self._last = added.last
        self.renamed |= added.renamed
        return now

    def _compute_longest_line(self) -> int:
        """The most bytes that a line with a valid post can have."""
        return self._max_length * CODE_POINTS_IN_A_GRAPHEME * LONGEST_ESCAPE_BYTES + OTHER_FIELDS_BYTES

    def _parse_lines(self, lines: list[bytes | None], progress: Progress) -> Iterator[Draft]:
        now = datetime.now(UTC)
        for line in lines:
            progress.lines += 1
            try:
                if line is None:
                    raise BadLine("This line is far too long for a post.")
                if progress.lines == 1:
                    line = line.removeprefix(BYTE_ORDER_MARK)  # noqa: PLW2901
                if line.strip():
                    yield self._complete(parse_draft(line, self._max_length, now))
            except BadLine as error:
                progress.refused += 1
                self._on_bad_line(progress.lines, str(error))

    def _complete(self, draft: Draft) -> Draft:
        """The draft with its language, when that can be said."""
        if draft.language is not None:
            return draft
        return replace(draft, language=self._detect_language(draft.body))

    def _add(self, session: orm.Session, drafts: list[Draft]) -> Added:
        since: dict[str, datetime] = {}
        for draft in drafts:
            since[draft.author] = min(draft.created, since.get(draft.author, draft.created))
        authors, renamed = get_or_add_accounts(session, since)
        # The triggers that count posts lock people in the order of the file: first lock all in one order.
        lock_people(session, authors.values())
        rows: dict[Key, Row] = {}
        for draft in drafts:
            row = Row(authors[draft.author], draft.key, draft.body, draft.language, draft.created)
            rows.setdefault(row.unique, row)
        return Added(*add_rows(session, rows, self._last), renamed)


def read_lines(file: BinaryIO, longest: int) -> Iterator[bytes | None]:
    """Line by line; None for a line of more than `longest` bytes, which is never in memory as a whole."""
    while line := file.readline(longest + 1):
        if len(line) <= longest or line.endswith(b"\n"):
            yield line
            continue
        while (piece := file.readline(PIECE_BYTES)) and not piece.endswith(b"\n"):
            pass
        yield None


def parse_draft(line: bytes, max_length: int, now: datetime) -> Draft:
    """:raises BadLine: with a sentence about what is wrong with the line."""
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
            raise BadLine(f"“{name}” is missing, or not a text.")
    return Draft(
        author=parse_author(fields["author"]),
        body=parse_body(fields["body"], max_length),
        created=parse_timestamp(fields["created"], now),
        language=parse_language(fields.get("language")),
    )


def parse_author(name: str) -> str:
    name = name.strip()
    if find_nickname_problem(name, reserved=()) is None:
        return name
    if len(name) > AUTHOR_LENGTH or len(make_author_key(name)) > AUTHOR_LENGTH:
        raise BadLine(f"“author” has more than {AUTHOR_LENGTH} characters.")
    try:
        check_characters(name)
    except InvalidText:
        raise BadLine("“author” holds a control character.") from None
    if not make_valid_nickname(name):
        raise BadLine(f"No nickname can be made of the author {name[:50]!r}: use letters a to z and digits.")
    return name


def parse_body(text: str, max_length: int) -> str:
    """The text as the form would accept it."""
    body = to_unix_lines(text)
    try:
        check_body(body, max_length=max_length)
    except InvalidText as error:
        raise BadLine(str(error)) from None
    return body


def parse_timestamp(text: str, now: datetime) -> datetime:
    try:
        timestamp = datetime.fromisoformat(text.strip())
    except ValueError:
        raise BadLine(f"“created” is not a timestamp like 2026-01-31T12:00:00Z: {text[:50]!r}.") from None
    timestamp = timestamp.replace(tzinfo=UTC) if timestamp.tzinfo is None else timestamp
    if timestamp < EPOCH:
        raise BadLine("“created” is before 1970.")
    if timestamp > now:
        raise BadLine("“created” is in the future.")
    return timestamp.astimezone(UTC)


def parse_language(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not is_language_tag(value):
        raise BadLine("“language” is not a language tag like de or pt-BR.")
    return value.lower()


Key = tuple[int, str]  # a post of an import, by its author and the key of its draft


@dataclass(frozen=True, slots=True)
class Row:
    """A post that is not written yet."""

    user_id: int
    form_key: str
    body: str
    language: str | None
    created: datetime

    @property
    def unique(self) -> Key:
        return self.user_id, self.form_key

    def with_id(self, post_id: int) -> dict[str, Any]:
        return {
            "id": post_id,
            "user_id": self.user_id,
            "body": self.body,
            "language": self.language,
            "form_key": self.form_key,
        }


def add_rows(session: orm.Session, rows: dict[Key, Row], last: dict[int, int]) -> tuple[int, dict[int, int]]:
    """Add the posts that do not exist yet, in the order of `rows`; return how many those are.

    `last` has, for the previous transaction, the id of the last line of each millisecond by the first id of
    that millisecond. The same for these rows is returned, too.
    """
    count = 0
    by_millisecond: dict[int, list[Row]] = {}
    for row in sorted(rows.values(), key=lambda row: row.created):  # stable: else in the order of the file
        by_millisecond.setdefault(get_first_id_at(row.created), []).append(row)
    while True:
        present = queries.find_ids_by_keys(session, list(rows))
        taken = find_taken_ids(session, list(by_millisecond))
        ids: dict[Key, int] = {}
        for first, several in by_millisecond.items():
            known = [present.get(row.unique) for row in several]
            assigned = assign_ids(first, taken[first], known, last.get(first))
            ids.update(zip((row.unique for row in several), assigned, strict=True))
        missing = [row.with_id(ids[key]) for key, row in rows.items() if key not in present]
        if not missing:
            return count, {first: ids[several[-1].unique] for first, several in by_millisecond.items()}
        # Repeat for posts whose id another transaction has just taken.
        count += import_posts(session, missing)


def find_taken_ids(session: orm.Session, firsts: list[int]) -> dict[int, list[int]]:
    """The ids in use in each millisecond, and in the following ones into which it overflows."""
    taken = queries.find_ids_in_ranges(session, firsts, IDS_IN_A_MILLISECOND)
    for first in firsts:
        beyond = first
        while is_full(beyond, taken[first]):
            beyond += IDS_IN_A_MILLISECOND
            taken[first] += queries.find_ids_in_ranges(session, [beyond], IDS_IN_A_MILLISECOND)[beyond]
    return taken
