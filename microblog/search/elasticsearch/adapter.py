"""Search in Elasticsearch, fed through the outbox (docs/adr/0013).

Triggers write an outbox entry for every insert, update and delete of a post, in the same transaction,
also for a database shell. The worker leases entries, reads the current posts, and sends them with the
entry's id as external version, so that a late write loses. An entry is deleted only after the server
has confirmed it.

The index is reached by two aliases: `{index}` serves searches, and `{index}-next` is the one that a
rebuild fills, or else the same index. The worker writes to both. Once there is an index both aliases
always exist, so that no late request creates an index implicitly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import orm
from zope.interface import implementer

from microblog.db import Database
from microblog.i18n import _
from microblog.outbox.kinds import Outcome
from microblog.outbox.queries import Leased
from microblog.paging import Bounds, Cursor
from microblog.posts import queries as posts
from microblog.request import Registry
from microblog.search.elasticsearch.index import (
    build_request,
    get_outcome,
)
from microblog.search.elasticsearch.own_posts import find_own_waiting_posts
from microblog.search.elasticsearch.server import (
    describe_error,
    get_retry_after,
)
from microblog.search.elasticsearch.whole_index import ElasticsearchIndex
from microblog.search.embedded.side_table import NOT_BUILT, TOO_SLOW
from microblog.search.interfaces import (
    ISearch,
    ISearchDelivery,
    NotBuilt,
    SearchUnavailable,
)
from microblog.search.language import Query

SEARCHING, INDEXING = "searching", "indexing"
DOWN = _(
    "Search does not answer at the moment. Posting and reading go on as usual; "
    "what you typed is kept here, so try again in a minute."
)
WRONG_INDEX = _(
    "The search index is not as it should be: the operator repairs it with `microblog search rebuild`."
)
ID_FIELD: list[Any] = ["id"]


@implementer(ISearch, ISearchDelivery)
class ElasticsearchSearch(ElasticsearchIndex):
    """`microblog.search = elasticsearch`"""

    # Writing

    def write_again(self, session: orm.Session, entries: Sequence[Leased]) -> None:
        """The late delivery may have written outdated posts to an index that was created meanwhile."""
        self._write_entries(session, sorted({int(entry.key) for entry in entries}))

    def deliver(self, registry: Registry, entries: Sequence[Leased]) -> Outcome:
        """Index the current posts of these entries; failed ones are retried."""
        outcome = self._deliver(registry.database, entries)
        if outcome.error:
            self._note_failure(INDEXING, outcome.error)
        else:
            self._failures.end(INDEXING)
        return outcome

    def _deliver(self, database: Database, entries: Sequence[Leased]) -> Outcome:
        versions: dict[int, int] = {}
        for entry in entries:
            versions[int(entry.key)] = max(entry.id, versions.get(int(entry.key), 0))
        try:
            # In this order: a rebuild that creates an index meanwhile reads the posts after us.
            targets = self._find_targets()
            with database.read() as session:
                documents = posts.get_documents(session, list(versions))
            answers = self._bulk(documents, versions, targets)
        except self._server.failures as error:
            return Outcome(error=describe_error(error), retry_after=get_retry_after(error))
        return get_outcome(entries, answers)

    def _find_targets(self) -> list[str]:
        """The aliases to write to: both while a rebuild fills an index of its own."""
        indices = self._find_indices()
        serving, filled = (
            [name for name, aliases in indices.items() if alias in aliases]
            for alias in (self.alias, self.next_alias)
        )
        if serving == filled == []:
            raise NotBuilt(NOT_BUILT)
        return [self.next_alias] if serving in (filled, []) else [self.alias, self.next_alias]

    def _bulk(
        self, documents: dict[int, dict[str, Any]], versions: dict[int, int], targets: list[str]
    ) -> dict[int, list[tuple[int, str]]]:
        """The answers by post: (status, reason) for each target."""
        operations: list[Any] = []
        where: dict[str, Any]
        for target in targets:
            for post_id, version in versions.items():
                where = {"_index": target, "_id": str(post_id), "version": version}
                where["version_type"] = "external"
                if post_id in documents:
                    operations += [{"index": {**where, "require_alias": True}}]
                    operations += [self._build_document(documents[post_id])]
                else:
                    operations += [{"delete": where}]
        # Refreshed: once its entry is gone, an author finds the newest post only in the index.
        answer = self.patient.bulk(operations=operations, refresh=True)
        answers: dict[int, list[tuple[int, str]]] = {}
        for item in answer["items"]:
            (result,) = item.values()
            reason = result["error"]["reason"] if "error" in result else ""
            answers.setdefault(int(result["_id"]), []).append((result["status"], str(reason)))
        return answers

    # Reading

    def search(
        self,
        session: orm.Session,
        query: Query,
        cursor: Cursor,
        limit: int,
        reader_id: int | None = None,
    ) -> list[int]:
        # Before asking the index: posts that the worker delivers in between are found there.
        own = []
        if reader_id is not None and cursor == Cursor():
            own = find_own_waiting_posts(session, query, reader_id)
        bounds = Bounds.of(query, cursor)
        order = "asc" if bounds.oldest_first else "desc"
        found = self._search_ids(
            query=build_request(session, query, bounds), sort=[{"id": order}], size=limit
        )
        return sorted({*own, *found}, reverse=True)[:limit] if own else found

    def ranked(self, session: orm.Session, query: Query, limit: int) -> list[int]:
        if not query.terms:
            return self.search(session, query, Cursor(), limit)
        bounds = Bounds.of(query, Cursor())
        # Only the last of the newest hits is requested: a thousand ids take longer than all the rest.
        found = build_request(session, query, bounds)
        last = self._search_ids(query=found, sort=[{"id": "desc"}], from_=self._ranked_hits - 1, size=1)
        if last:
            bounds = Bounds(last[0] - 1, bounds.below)
        request = build_request(session, query, bounds, ranked=True)
        return self._search_ids(query=request, sort=["_score", {"id": "desc"}], size=limit)

    def _search_ids(self, **request: Any) -> list[int]:
        try:
            answer = self.client.search(
                index=self.alias,
                timeout=f"{int(self.seconds_for_a_query * 1000)}ms",
                track_total_hits=False,
                docvalue_fields=ID_FIELD,
                **request,
            )
        except self._server.not_found:
            raise NotBuilt(NOT_BUILT) from None
        except self._server.bad_request as error:
            self._note_failure(SEARCHING, f"{WRONG_INDEX} {describe_error(error)}")
            raise SearchUnavailable(WRONG_INDEX) from None
        except self._server.failures as error:
            self._note_failure(SEARCHING, describe_error(error))
            raise SearchUnavailable(DOWN) from None
        self._failures.end(SEARCHING)
        if answer["timed_out"]:
            raise SearchUnavailable(TOO_SLOW)
        return [hit["fields"]["id"][0] for hit in answer["hits"]["hits"]]

    def _note_failure(self, activity: str, sentence: str) -> None:
        self._server.forget_version()
        self._failures.begin(activity, sentence)
