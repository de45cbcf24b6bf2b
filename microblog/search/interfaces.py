"""What a search adapter promises; `tests/contract/` holds every adapter to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from zope.interface import Attribute, Interface

from microblog.errors import OperatorError

if TYPE_CHECKING:
    import sqlalchemy as sa
    from sqlalchemy import orm

    from microblog.db import Database
    from microblog.outbox.kinds import Outcome
    from microblog.outbox.queries import Leased
    from microblog.paging import Cursor
    from microblog.request import Registry
    from microblog.search.language import Query
    from microblog.settings import Settings

MANY_SEGMENTS = 100  # a worker that runs merges them before there are so many
RANKED_HITS = 1000  # ordering by relevance considers this many of the newest matching posts


class SearchError(OperatorError):
    """Raised by adapters, which let no exception of their engine escape."""


class SearchUnavailable(SearchError):
    """The index does not answer now; the message is a sentence for the reader of the search page."""


class SearchOff(SearchUnavailable):
    """The operator has switched search off: nothing is wrong."""


class NotBuilt(SearchUnavailable):
    """The index has not been made yet; the message names the command that makes it."""


class OldIndex(SearchUnavailable):
    """The index was made by an older rule of what a word is: compared with the posts, most would differ."""


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
    """The posts that a rebuild has done, and when it last noted progress; a killed one is not alive."""

    posts: int
    seen_at: datetime
    is_alive: bool


@dataclass(frozen=True, slots=True)
class Status:
    """`documents` are in the index, and `pending` changes wait to get there, the oldest since
    `lag_seconds`; `refused` were refused for good, each for a reason that is in the log.

    `verified` is the last verify, on any machine, and `rebuilding` a rebuild that has not ended. `segments`
    are the parts of an index that the worker merges: many when it does not run.
    `is_old`: it was made by an older rule of what a word is, and asks for a rebuild.
    """

    adapter: str
    documents: int
    pending: int
    refused: int = 0
    lag_seconds: float = 0.0
    verified: Verified | None = None
    rebuilding: Rebuilding | None = None
    is_old: bool = False
    segments: int = 0


@dataclass(frozen=True, slots=True)
class Drift:
    """How the index differs from the posts: ids that are missing, stale (another text), or ghosts."""

    missing: tuple[int, ...] = ()
    stale: tuple[int, ...] = ()
    ghosts: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.missing or self.stale or self.ghosts)


class ISearch(Interface):
    """What a search page needs, and all that an adapter has to provide.

    An adapter keeps no session: each call is given the one to use. It returns ids; the posts
    themselves are read from the database, so that a deleted post is never shown.
    """

    def search(
        session: orm.Session, query: Query, cursor: Cursor, limit: int, reader_id: int | None = None
    ) -> list[int]:
        """Ids of posts that match.

        Newest first below `cursor.before`, or oldest first above `cursor.after`, like every list of
        posts (`microblog.web.paging`). On the first page readers find what they have just written, even
        when it is not indexed yet.

        :raises SearchUnavailable: with a sentence for the reader.
        """

    def ranked(session: orm.Session, query: Query, limit: int) -> list[int]:
        """Ids of the posts that match best among the newest `RANKED_HITS` that match, the best first.

        :raises SearchUnavailable: with a sentence for the reader.
        """


class ISearchSettings(Interface):
    """For an adapter that has settings of its own, or does not work with every database."""

    SETTINGS = Attribute("A tuple of `microblog.settings.Setting`.")

    def check(settings: Settings, database: Database) -> None:
        """Called once, before anything else.

        :raises ValueError: with a sentence when the adapter cannot work with these settings.
        """


class ISearchIndex(Interface):
    """For an adapter with an index of its own, which can always be rebuilt from the posts.

    Its tables and triggers (their names begin with `search_`) are its own: migrations ignore them.
    """

    name = Attribute("The adapter's name, as the ini file spells it.")

    def install(session: orm.Session) -> None:
        """Make the tables, triggers or indexes; harmless when they exist.

        Removes what an interrupted rebuild left behind.
        """

    def uninstall(session: orm.Session) -> None:
        """Remove them, and what a rebuild left behind; harmless when they are gone."""

    def rebuild(database: Database, progress: Callable[[int], None]) -> int:
        """Make the whole index again, or for the first time; return the number of posts.

        The old index serves until the new one is complete and agrees with the posts. Posts written
        meanwhile do not wait, and go to both. `progress(count)` is called after each batch. An exception
        raised in it ends the rebuild and leaves nothing behind; after a `kill -9` the next rebuild starts
        from the beginning.
        """

    def verify(database: Database) -> Drift:
        """Compare the whole index with the posts.

        Changes that wait for the worker are not differences. The result is kept for `status`.

        :raises OldIndex: when the index was made by an older rule, and asks for a rebuild.
        :raises SearchUnavailable: with a sentence for the operator, as do `rebuild` and `status`.
        """

    def repair(session: orm.Session, drift: Drift) -> None:
        """Remove the ghosts of a `Drift`, and queue its other posts to be indexed again."""

    def status(session: orm.Session) -> Status:
        """How much is in the index, and how much waits to get there."""


class ISearchFeed(Interface):
    """For an adapter whose index is in the application's database, and updated in its transactions."""

    def after_begin(session: orm.Session, connection: sa.Connection) -> None:
        """Called when a write transaction begins; keep what you need in `session.info`."""

    def before_commit(session: orm.Session) -> None:
        """Called in every write transaction just before its COMMIT: index what it changed.

        Must not fail: a post that cannot be indexed must not stop a transaction.
        """

    def catch_up(database: Database, limit: int) -> int:
        """Index up to `limit` changes from outside the application; return how many were handled.

        The worker calls it repeatedly, outside any transaction; several workers may at the same time.
        """


class ISearchMaintenance(Interface):
    """For an adapter whose index needs regular work that no writer should wait for."""

    def maintain(database: Database) -> bool:
        """Work for a second at most, in transactions of some milliseconds; is there more to do?

        The worker calls it every few seconds, outside any transaction; several workers may at the same time.
        """


class ISearchDelivery(Interface):
    """For an adapter whose index is elsewhere, and fed through the outbox.

    The triggers of `microblog.search.queries` write an entry for each change of a post; its key is the
    post's id, and its own id is above those of all earlier changes of that post.
    """

    def deliver(registry: Registry, entries: Sequence[Leased]) -> Outcome | None:
        """Index the current state of the posts of these entries; see `add_outbox_kind`."""

    def write_again(session: orm.Session, entries: Sequence[Leased]) -> None:
        """Write the entries anew: their lease ended during `deliver`, which therefore came too late."""


def get_search(registry: Registry) -> ISearch:
    """The adapter of this site."""
    found: ISearch = registry.getUtility(ISearch)
    return found


def get_search_index(registry: Registry) -> ISearchIndex:
    """The index of this site's adapter, or an empty one when the adapter has none."""
    found: ISearchIndex = registry.getUtility(ISearchIndex)
    return found


def find_search_feed(registry: Registry) -> ISearchFeed | None:
    """None when the index is not in the application's database."""
    found: ISearchFeed | None = registry.queryUtility(ISearchFeed)
    return found


def find_search_maintenance(registry: Registry) -> ISearchMaintenance | None:
    """None when the index needs none."""
    found: ISearchMaintenance | None = registry.queryUtility(ISearchMaintenance)
    return found


def find_search_delivery(registry: Registry) -> ISearchDelivery | None:
    """None when the index is not fed through the outbox."""
    found: ISearchDelivery | None = registry.queryUtility(ISearchDelivery)
    return found
