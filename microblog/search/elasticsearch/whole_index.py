"""Makes, verifies, repairs and removes the index in Elasticsearch."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import orm
from zope.interface import implementer

from microblog.db import Database
from microblog.ids import LARGEST
from microblog.outbox import queries as outbox
from microblog.posts import queries as posts
from microblog.search import queries, records
from microblog.search.elasticsearch.index import (
    CONFLICT,
    build_document,
    build_index_body,
    compare,
)
from microblog.search.elasticsearch.server import (
    INDEX,
    REPLICAS,
    SETTINGS,
    Failures,
    Server,
    describe_error,
)
from microblog.search.embedded.side_table import NOT_BUILT
from microblog.search.interfaces import (
    RANKED_HITS,
    Drift,
    ISearchIndex,
    ISearchSettings,
    NotBuilt,
    SearchUnavailable,
    Status,
)
from microblog.search.models import KIND
from microblog.settings import Settings

log = logging.getLogger(__name__)

# Pages make one attempt, and do not wait longer for a server that is down.
SECONDS_FOR_A_QUERY = 1.0
BATCH = 1000  # documents
# All requests of a delivery together stay below the duration of a lease.
SECONDS_FOR_THE_WORKER = 15.0
# Differences are compared again, since a post that is being written differs for a short time.
REPEATED_COMPARISONS = 2
DIGEST_FIELDS: list[Any] = ["id", "digest"]


@implementer(ISearchSettings, ISearchIndex)
class ElasticsearchIndex:
    """The indices of a site, reached by two aliases."""

    name = "elasticsearch"
    SETTINGS = SETTINGS

    def __init__(
        self,
        *,
        seconds_for_a_query: float = SECONDS_FOR_A_QUERY,
        seconds_for_the_worker: float = SECONDS_FOR_THE_WORKER,
        batch: int = BATCH,
        ranked_hits: int = RANKED_HITS,
        build_document: Callable[[dict[str, Any]], dict[str, Any]] = build_document,
    ) -> None:
        self.seconds_for_a_query = seconds_for_a_query
        self.seconds_for_the_worker = seconds_for_the_worker
        self._batch = batch
        self._ranked_hits = ranked_hits
        self._build_document = build_document
        self._failures = Failures()

    def check(self, settings: Settings, database: Database) -> None:
        """Build the client, which does not connect yet."""
        self._server = Server(settings)
        self._replicas = settings[REPLICAS]
        self.alias = settings[INDEX]
        self.next_alias = f"{self.alias}-next"

    @property
    def client(self) -> Any:
        """The client for pages, with a short timeout."""
        return self._server.client(self.seconds_for_a_query)

    @property
    def patient(self) -> Any:
        """The client for the worker and commands, which may wait longer."""
        return self._server.client(self.seconds_for_the_worker)

    def install(self, session: orm.Session) -> None:
        """Create the triggers, and an entry for every existing post.

        The index itself is made by `rebuild`: the server may be down now.
        """
        queries.install_triggers(session)

    def uninstall(self, session: orm.Session) -> None:
        """Remove the triggers, the entries, and the indices if the server can be reached."""
        queries.stop_feeding(session)
        records.forget_index(session, self.name)
        try:
            client = self.client
            for index in self._find_indices():
                client.indices.delete(index=index, ignore_unavailable=True)
        except self._server.failures as error:
            log.warning("The index in Elasticsearch stays: %s", describe_error(error))

    def _write_entries(self, session: orm.Session, ids: Sequence[int]) -> None:
        """Lock the posts first: an entry's id must be above those of all earlier changes of its post."""
        for start in range(0, len(ids), self._batch):
            some = ids[start : start + self._batch]
            posts.lock_posts(session, some)
            outbox.write(session, KIND, some)

    def _find_indices(self) -> dict[str, set[str]]:
        """Our indices with their aliases, also those that a rebuild left behind."""
        found = self.patient.indices.get(
            index=f"{self.alias},{self.alias}-*",
            features="aliases",
            allow_no_indices=True,
            ignore_unavailable=True,
        )
        # A late deletion may have created an index with an alias' name, after the index was removed by hand.
        ours = re.compile(rf"{re.escape(self.alias)}(-next|-[0-9a-f]{{12}})?")
        return {name: set(index["aliases"]) for name, index in found.items() if ours.fullmatch(name)}

    def rebuild(self, database: Database, progress: Callable[[int], None]) -> int:
        """Fill a new index while the old one serves, compare it with the posts, then switch.

        :raises SearchUnavailable: with a sentence; the old index serves on.
        """
        try:
            return self._rebuild(database, progress)
        except self._server.failures as error:
            raise SearchUnavailable(describe_error(error)) from None

    def _rebuild(self, database: Database, progress: Callable[[int], None]) -> int:
        token = secrets.token_hex(6)
        index = f"{self.alias}-{token}"
        before = self._find_indices()
        serving = [name for name, aliases in before.items() if self.alias in aliases]
        with database.write() as session:
            self.install(session)
            if not serving:  # the rebuild reads the posts anyway
                outbox.delete_all(session, KIND)
        self.patient.indices.create(index=index, **build_index_body(self._replicas))
        try:
            with database.write() as session:
                records.begin_rebuild(session, self.name, token)
            leftovers = [name for name in before if name not in serving]
            self._switch([self.next_alias], index, away_from=serving, remove=leftovers)
            count = self._fill(database, token, progress)
            self.patient.indices.refresh(index=index)
            if self._find_differences(database, index):
                raise SearchUnavailable("The new index does not agree with the posts; the old one serves on.")
            self._switch([self.alias], index, away_from=[], remove=serving)
        except BaseException:  # also Ctrl-C
            self._give_up(index, serving)
            with database.write() as session:
                records.end_rebuild(session, self.name, token)
            raise
        with database.write() as session:
            outbox.delete_dead_letters(session, KIND)
            outbox.retry_now(session, KIND)
            records.note_verify(session, self.name, Drift())
            records.note_rule(session, self.name)
            records.end_rebuild(session, self.name, token)
        return count

    def _switch(
        self, aliases: Sequence[str], index: str, *, away_from: Sequence[str], remove: Sequence[str]
    ) -> None:
        """Atomically point the aliases to `index` and away from others, and remove indices."""
        actions: list[dict[str, Any]] = [{"remove_index": {"index": name}} for name in remove]
        for alias in aliases:
            actions += [
                {"remove": {"index": name, "alias": alias, "must_exist": False}} for name in away_from
            ]
            actions += [{"add": {"index": index, "alias": alias}}]
        self.patient.indices.update_aliases(actions=actions)

    def _give_up(self, index: str, serving: Sequence[str]) -> None:
        """Leave no orphan; what cannot be removed now, the next rebuild removes."""
        try:
            if serving:
                self._switch([self.next_alias], serving[0], away_from=[], remove=[index])
            else:
                self.patient.indices.delete(index=index, ignore_unavailable=True)
        except self._server.failures as error:
            log.warning("The index %s stays until the next rebuild: %s", index, describe_error(error))

    def _fill(self, database: Database, token: str, progress: Callable[[int], None]) -> int:
        """With version 0: everything that the worker has written or deleted there is newer."""
        count = 0
        for batch in self._read_batches(database):
            operations: list[Any] = []
            for post_id, post in batch.items():
                where = {"_index": self.next_alias, "_id": str(post_id), "require_alias": True}
                where |= {"version": 0, "version_type": "external"}
                operations += [{"index": where}, self._build_document(post)]
            for item in self.patient.bulk(operations=operations)["items"]:
                result = item["index"]
                if "error" in result and result["status"] != CONFLICT:
                    raise SearchUnavailable(
                        f"Elasticsearch did not take post {result['_id']}: {result['error']['reason']}."
                    )
            with database.write() as session:
                records.note_progress(session, self.name, token, len(batch))
            count += len(batch)
            progress(len(batch))
        return count

    def _read_batches(self, database: Database) -> Iterator[dict[int, dict[str, Any]]]:
        """All posts by id, in constant memory and in short transactions."""
        last = -1
        while True:
            with database.read() as session:
                batch = posts.list_documents_after(session, last, self._batch)
            if not batch:
                return
            yield batch
            if len(batch) < self._batch:  # posts written from now on have an entry
                return
            last = max(batch)

    def refresh(self) -> None:
        """Make everything written so far visible to searches; without this it takes half a second."""
        try:
            self.patient.indices.refresh(index=self.alias)
        except self._server.not_found:
            raise NotBuilt(NOT_BUILT) from None
        except self._server.failures as error:
            raise SearchUnavailable(describe_error(error)) from None

    def verify(self, database: Database) -> Drift:
        """Posts that wait for the worker are not differences; those refused for good are."""
        self.refresh()
        with database.read() as session:
            records.require_current_rule(session, self.name)
        try:
            found = self._find_differences(database, self.alias)
        except self._server.failures as error:
            raise SearchUnavailable(describe_error(error)) from None
        kinds: dict[str, list[int]] = {"missing": [], "stale": [], "ghosts": []}
        for post_id, kind in found.items():
            kinds[kind].append(post_id)
        drift = Drift(**{kind: tuple(ids) for kind, ids in kinds.items()})
        with database.write() as session:
            records.note_verify(session, self.name, drift)
        return drift

    def _find_differences(self, database: Database, target: str) -> dict[int, str]:
        """How documents differ from posts, by id, in the order of ids."""
        suspects = [
            post_id
            for post_id, post, digest in self._read_pairs(database, target)
            if compare(post, digest) is not None
        ]
        found = dict.fromkeys(suspects, "")
        for _ in range(REPEATED_COMPARISONS):
            if found:
                found = self._compare_again(database, target, list(found))
        return found

    def _compare_again(self, database: Database, target: str, ids: list[int]) -> dict[int, str]:
        """Those posts that still differ and have no waiting entry."""
        self.patient.indices.refresh(index=target)
        found = {}
        for start in range(0, len(ids), self._batch):
            some = ids[start : start + self._batch]
            digests = dict(self._read_digests(target, {"terms": {"id": some}}))
            with database.read() as session:
                documents = posts.get_documents(session, some)
                waiting = outbox.find_waiting_keys(session, KIND, some)
            for post_id in some:
                kind = compare(documents.get(post_id), digests.get(post_id))
                if kind is not None and str(post_id) not in waiting:
                    found[post_id] = kind
        return found

    def _read_pairs(self, database: Database, target: str) -> Iterator[tuple[int, Any, str | None]]:
        """(id, post, digest) of both sides merged by id; None on the side that lacks it."""
        ours = (item for batch in self._read_batches(database) for item in batch.items())
        theirs = self._read_digests(target, {"match_all": {}})
        end: tuple[int, Any] = (LARGEST + 1, None)
        post, entry = next(ours, end), next(theirs, end)
        while (first := min(post[0], entry[0])) <= LARGEST:
            yield (
                first,
                post[1] if post[0] == first else None,
                entry[1] if entry[0] == first else None,
            )
            post, entry = (
                next(ours, end) if post[0] == first else post,
                next(theirs, end) if entry[0] == first else entry,
            )

    def _read_digests(self, target: str, query: dict[str, Any]) -> Iterator[tuple[int, str]]:
        """(id, digest) of the documents that match, by id."""
        after: list[Any] | None = None
        while True:
            answer = self.patient.search(
                index=target,
                query=query,
                sort=[{"id": "asc"}],
                size=self._batch,
                search_after=after,
                docvalue_fields=DIGEST_FIELDS,
                track_total_hits=False,
            )
            hits = answer["hits"]["hits"]
            for hit in hits:
                yield hit["fields"]["id"][0], hit["fields"]["digest"][0]
            if len(hits) < self._batch:
                return
            after = hits[-1]["sort"]

    def repair(self, session: orm.Session, drift: Drift) -> None:
        """Write an entry for each post that differs, so that the worker indexes it."""
        outbox.delete_dead_letters(session, KIND)
        self._write_entries(session, (*drift.missing, *drift.stale, *drift.ghosts))

    def status(self, session: orm.Session) -> Status:
        self.refresh()
        try:
            documents = self.patient.count(index=self.alias)["count"]
        except self._server.failures as error:
            raise SearchUnavailable(describe_error(error)) from None
        depth = outbox.measure_depth(session, KIND)
        status = Status(self.name, documents, depth.waiting, depth.dead_letters, depth.lag_seconds)
        return records.complete_status(session, status)
