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

RANKED_HITS = 1000  # an order by relevance looks at the newest so many posts that match


class SearchError(OperatorError):
    """What an adapter raises; no engine's own exception leaves it."""


class SearchUnavailable(SearchError):
    """The index cannot be asked now; the message is a sentence for the reader of the search page."""


class SearchOff(SearchUnavailable):
    """The operator has chosen that posts cannot be searched: nothing is wrong."""


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
    `lag_seconds`; `refused` were refused for good, each for a reason that the log tells.

    `verified` is the last verify, on whatever machine, and `rebuilding` a rebuild that has not ended.
    """

    adapter: str
    documents: int
    pending: int
    refused: int = 0
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
    """What a search page needs, and all that an adapter has to provide.

    An adapter keeps no session: each call gets the one that it works in, and forgets it. It answers
    with ids; the posts themselves are read from the database, so that an entry of a deleted post
    can never be shown.
    """

    def search(
        session: orm.Session, query: Query, cursor: Cursor, limit: int, reader_id: int | None = None
    ) -> list[int]:
        """Ids of posts that match.

        Newest first below `cursor.before`, or oldest first above `cursor.after`, like every list of
        posts (`microblog.web.paging`). On the first page the reader finds what they have just written, also
        when the index does not know it yet.

        :raises SearchUnavailable: with a sentence for the reader.
        """

    def ranked(session: orm.Session, query: Query, limit: int) -> list[int]:
        """Ids of the posts that match best among the newest `RANKED_HITS` that match, the best first.

        :raises SearchUnavailable: with a sentence for the reader.
        """


class ISearchSettings(Interface):
    """What an adapter provides that has settings of its own, or does not work with everything."""

    SETTINGS = Attribute("A tuple of `microblog.settings.Setting`.")

    def check(settings: Settings, database: Database) -> None:
        """Called once, before anything else.

        :raises ValueError: with a sentence when it cannot work with these settings.
        """


class ISearchIndex(Interface):
    """What an adapter provides that has an index of its own, which can always be made again from the posts.

    Its tables and triggers are its own (their names begin with `search_`): migrations know nothing of them.
    """

    name = Attribute("The adapter's name, as the ini file spells it.")

    def install(session: orm.Session) -> None:
        """Make the tables, triggers or indexes; harmless when they are there.

        Removes what an interrupted rebuild left over.
        """

    def uninstall(session: orm.Session) -> None:
        """Remove them, and what a rebuild left over; harmless when they are gone."""

    def rebuild(database: Database, progress: Callable[[int], None]) -> int:
        """Make the whole index again, also when there is none yet. How many posts.

        The old index serves until the new one is whole, and was compared with the posts; whoever
        writes meanwhile does not wait, and is in both. `progress(count)` is called as it goes.
        Whatever is raised in it ends the rebuild, and leaves nothing behind; after a `kill -9` the
        next one begins anew.
        """

    def verify(database: Database) -> Drift:
        """Compare the whole index with the posts.

        What only waits for the worker is no difference. What was found is kept for `status`.

        :raises SearchUnavailable: with a sentence for the operator; so do `rebuild` and `status`.
        """

    def repair(session: orm.Session, drift: Drift) -> None:
        """Forget the ghosts of a `Drift`, and let its other posts be indexed again."""

    def status(session: orm.Session) -> Status:
        """What is in the index, and what waits to get there."""


class ISearchFeed(Interface):
    """What an adapter provides whose index is in the application's database, fed by the transactions."""

    def after_begin(session: orm.Session, connection: sa.Connection) -> None:
        """Called when a write transaction begins; whatever it remembers goes to `session.info`."""

    def before_commit(session: orm.Session) -> None:
        """Called in every write transaction just before its COMMIT: index what it changed.

        Never fails: a post that cannot be indexed must not stop the transaction of somebody else.
        """

    def catch_up(database: Database, limit: int) -> int:
        """Index up to `limit` changes that came from elsewhere, outside of any transaction of the caller's.

        The worker calls it again and again, several workers at once. How many were dealt with.
        """


class ISearchDelivery(Interface):
    """What an adapter provides whose index is elsewhere, fed through the outbox.

    The triggers of `microblog.search.queries` write an entry for each change of a post; its key is the
    post's id, and its own id is above those of all earlier changes of that post.
    """

    def deliver(registry: Registry, entries: Sequence[Leased]) -> Outcome | None:
        """Bring the posts of these entries to the index as they are now; see `add_outbox_kind`."""

    def write_again(session: orm.Session, entries: Sequence[Leased]) -> None:
        """The lease of these entries ended during `deliver`: write new ones, since it came too late."""


def get_search(registry: Registry) -> ISearch:
    """The adapter of this site."""
    found: ISearch = registry.getUtility(ISearch)
    return found


def get_search_index(registry: Registry) -> ISearchIndex:
    """The index of this site's adapter; one that holds nothing, when the adapter has none of its own."""
    found: ISearchIndex = registry.getUtility(ISearchIndex)
    return found


def find_search_feed(registry: Registry) -> ISearchFeed | None:
    """None when the index is not in the application's database."""
    found: ISearchFeed | None = registry.queryUtility(ISearchFeed)
    return found


def find_search_delivery(registry: Registry) -> ISearchDelivery | None:
    """None when the index is not fed through the outbox."""
    found: ISearchDelivery | None = registry.queryUtility(ISearchDelivery)
    return found
