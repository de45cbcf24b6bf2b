"""What a search adapter promises; `tests/contract/` holds every adapter to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from zope.interface import Attribute, Interface

from microblog.errors import OperatorError

RANKED_HITS = 1000  # an order by relevance looks at the newest so many posts that match


class SearchError(OperatorError):
    """What an adapter raises; no engine's own exception leaves it."""


class SearchUnavailable(SearchError):
    """The index cannot be asked now; the message is a sentence for the reader of the search page."""


class NotBuilt(SearchUnavailable):
    """The index has not been made yet; the message names the command that makes it."""


@dataclass(frozen=True, slots=True)
class Verified:
    """When the index was last compared with the posts, and how many entries differed."""

    at: datetime
    missing: int = 0
    stale: int = 0
    ghosts: int = 0

    @property
    def agreed(self) -> bool:
        return not (self.missing or self.stale or self.ghosts)


@dataclass(frozen=True, slots=True)
class Rebuilding:
    """A rebuild has done so many posts, and was last seen then; one that was killed is not alive."""

    posts: int
    seen_at: datetime
    is_alive: bool


@dataclass(frozen=True, slots=True)
class Status:
    """`documents` are in the index, and `pending` changes wait to get there, the oldest since
    `lag_seconds`; `set_aside` were refused for good, each for a reason that the log tells.

    `verified` is the last verify, on whatever machine, and `rebuilding` a rebuild that has not ended.
    """

    adapter: str
    documents: int
    pending: int
    set_aside: int = 0
    lag_seconds: float = 0.0
    verified: Verified | None = None
    rebuilding: Rebuilding | None = None


@dataclass(frozen=True, slots=True)
class Drift:
    """How the index differs from the posts: ids that are missing, stale (another text), or ghosts."""

    missing: tuple[int, ...] = ()
    stale: tuple[int, ...] = ()
    ghosts: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.missing or self.stale or self.ghosts)


class ISearch(Interface):
    """An index of all posts, derived from the database and made again from it at any time.

    An adapter keeps no session: each call gets the one that it works in, and forgets it. It answers
    with ids; the posts themselves are read from the database, so that an entry of a deleted post
    can never be shown. Its tables and triggers are its own (their names begin with `search_`):
    migrations know nothing of them.
    """

    name = Attribute("The adapter's name, as the ini file spells it.")

    def check(settings: Any, database: Any) -> None:
        """:raises ValueError: with a sentence when it cannot work with these settings."""

    def install(session: Any) -> None:
        """Make the tables, triggers or indexes; harmless when they are there.

        Removes what an interrupted rebuild left over.
        """

    def uninstall(session: Any) -> None:
        """Remove them, and what a rebuild left over; harmless when they are gone."""

    def after_begin(session: Any, connection: Any) -> None:
        """Called at the beginning of every write transaction; it may remember things in `session.info`."""

    def before_commit(session: Any) -> None:
        """Called in every write transaction just before its COMMIT: index what it changed.

        Never fails: a post that cannot be indexed must not stop the transaction of somebody else.
        """

    def catch_up(database: Any, limit: int) -> int:
        """Index up to `limit` changes that wait, outside of any transaction of the caller's.

        The worker calls it again and again, several workers at once. How many were dealt with.
        """

    def waiting(session: Any, author_id: int) -> list[int]:
        """Ids of this author's newest posts that the index does not know yet, the newest first.

        The search page looks into them itself, so that authors find their own posts at once.
        """

    def search(session: Any, query: Any, cursor: Any, limit: int) -> list[int]:
        """Ids of posts that match a `microblog.search.language.Query`.

        Newest first below `cursor.before`, or oldest first above `cursor.after`, like every list of
        posts (`microblog.web.paging`).

        :raises SearchUnavailable: with a sentence for the reader.
        """

    def ranked(session: Any, query: Any, limit: int) -> list[int]:
        """Ids of the posts that match best among the newest `RANKED_HITS` that match, the best first.

        :raises SearchUnavailable: with a sentence for the reader.
        """

    def rebuild(database: Any, progress: Any) -> int:
        """Make the whole index again, also when there is none yet. How many posts.

        The old index serves until the new one is whole, and was compared with the posts; whoever
        writes meanwhile does not wait, and is in both. `progress(count)` is called as it goes.
        Whatever is raised in it ends the rebuild, and leaves nothing behind; after a `kill -9` the
        next one begins anew.
        """

    def verify(database: Any) -> Any:
        """Compare the whole index with the posts: a `Drift`.

        What only waits for the worker is no difference. What was found is kept for `status`.

        :raises SearchUnavailable: with a sentence for the operator; so do `rebuild` and `status`.
        """

    def repair(session: Any, drift: Any) -> None:
        """Forget the ghosts of a `Drift`, and mark its other posts, so that they are indexed again."""

    def status(session: Any) -> Any:
        """A `Status`."""
