"""What a search adapter promises; `tests/contract/` holds every adapter to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from zope.interface import Attribute, Interface

RANKED_HITS = 1000  # an order by relevance looks at the newest so many posts that match


class SearchError(Exception):
    """What an adapter raises; no engine's own exception leaves it."""


class SearchUnavailable(SearchError):
    """The index cannot be asked now; the message is a sentence for the reader of the search page."""


class NotBuilt(SearchUnavailable):
    """The index has not been made yet; the message names the command that makes it."""


@dataclass(frozen=True, slots=True)
class Status:
    """`documents` are in the index, and `pending` changes wait to get there, the oldest since
    `lag_seconds`; `set_aside` were refused for good, each for a reason that the log tells."""

    adapter: str
    documents: int
    pending: int
    set_aside: int = 0
    lag_seconds: float = 0.0


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
        """Make the tables, triggers or indexes; harmless when they are there."""

    def uninstall(session: Any) -> None:
        """Remove them; harmless when they are gone."""

    def after_begin(session: Any, connection: Any) -> None:
        """Called at the begin of every write transaction; whatever it remembers goes to `session.info`."""

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
        posts (`microblog.posts.paging`).

        :raises SearchUnavailable: with a sentence for the reader.
        """

    def ranked(session: Any, query: Any, limit: int) -> list[int]:
        """Ids of the posts that match best among the newest `RANKED_HITS` that match, the best first.

        :raises SearchUnavailable: with a sentence for the reader.
        """

    def rebuild(database: Any, progress: Any) -> int:
        """Make the whole index again; `progress(count)` is called as it goes. How many posts."""

    def verify(database: Any) -> Any:
        """Compare the whole index with the posts: a `Drift`.

        :raises SearchUnavailable: with a sentence for the operator; so do `rebuild` and `status`.
        """

    def repair(session: Any, drift: Any) -> None:
        """Forget the ghosts of a `Drift`, and mark its other posts, so that they are indexed again."""

    def status(session: Any) -> Any:
        """A `Status`."""
