"""Search in Elasticsearch, fed through the outbox (docs/adr/0013).

Triggers write an outbox entry for every insert, update and delete of a post, in its transaction and
whoever makes it. The worker leases entries, reads the posts as they are now, and sends them with the
entry's id as external version, so that what arrives late loses. An entry goes only when the answer
says that it was taken.

The index is reached by two aliases: `{index}` serves searches, and `{index}-next` is the index that a
rebuild fills; the worker writes to both.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm
from zope.interface import implementer

from microblog.accounts.queries import owner_of_nickname
from microblog.db import Database
from microblog.outbox import queries as outbox
from microblog.posts import queries as posts
from microblog.posts.paging import Cursor
from microblog.search.adapters.side_table import NOT_BUILT, Bounds
from microblog.search.interfaces import RANKED_HITS, Drift, ISearch, NotBuilt, SearchUnavailable, Status
from microblog.search.language import Query, Term
from microblog.search.queries import waiting_posts
from microblog.search.text import index_text
from microblog.settings import Setting, optional_text, text

log = logging.getLogger(__name__)

KIND = "search"
URL = Setting(
    "microblog.search.elasticsearch.url",
    text,
    "http://127.0.0.1:9200",
    "The servers, separated by blanks; each like https://HOST:PORT.",
)
INDEX = Setting(
    "microblog.search.elasticsearch.index",
    text,
    "microblog",
    "The name of the index; several sites may share a server under several names.",
)
API_KEY = Setting(
    "microblog.search.elasticsearch.api_key", optional_text, None, "An API key of the server.", secret=True
)
USER = Setting(
    "microblog.search.elasticsearch.user", optional_text, None, "The user, for basic authentication."
)
PASSWORD = Setting(
    "microblog.search.elasticsearch.password", optional_text, None, "The user's password.", secret=True
)
CA_CERTIFICATE = Setting(
    "microblog.search.elasticsearch.ca_certificate",
    optional_text,
    None,
    "A file with the certificate of the authority that signed the server's.",
)

SECONDS_FOR_A_BULK = 30.0
BATCH = 1000
# A late write must meet the tombstone of a deletion: longer than any lease, stall or rebuild.
GC_DELETES = "24h"
PREFIX_EXPANSIONS = 1000
OLDEST_SERVER, NEWEST_SERVER = (8, 0), (9, 0)

BODY: dict[str, Any] = {
    "settings": {
        "number_of_shards": 1,
        "number_of_replicas": 0,
        "refresh_interval": "500ms",
        "index.gc_deletes": GC_DELETES,
        "sort.field": "id",
        "sort.order": "desc",
    },
    "mappings": {
        "dynamic": "strict",
        "_source": {"enabled": False},
        "properties": {
            "id": {"type": "long"},
            # Words are in normal form already, with one blank between them.
            "words": {"type": "text", "analyzer": "whitespace"},
            "author": {"type": "long"},
            "language": {"type": "keyword"},
            "digest": {"type": "keyword", "index": False},
        },
    },
}

HAS_TRIGGERS = {
    "sqlite": sa.text("SELECT 1 FROM sqlite_master WHERE name = 'search_elasticsearch_deleted'"),
    "postgresql": sa.text("SELECT 1 FROM pg_trigger WHERE tgname = 'search_elasticsearch_post_changed'"),
}
ID_FIELD: list[Any] = ["id"]
DIGEST_FIELDS: list[Any] = ["id", "digest"]

TRIGGERS = {
    "sqlite": {
        "search_elasticsearch_inserted": "AFTER INSERT ON posts",
        "search_elasticsearch_updated": "AFTER UPDATE OF id, user_id, body, language ON posts",
        "search_elasticsearch_deleted": "AFTER DELETE ON posts",
    },
}
WRITE_ENTRY = "INSERT INTO outbox (kind, key) VALUES ('search', {row}.id);"
POSTGRESQL_FUNCTION = """CREATE OR REPLACE FUNCTION search_elasticsearch_changed() RETURNS trigger
    LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' OR (TG_OP = 'UPDATE' AND OLD.id <> NEW.id) THEN
            INSERT INTO outbox (kind, key) VALUES ('search', OLD.id);
        END IF;
        IF TG_OP <> 'DELETE' THEN
            INSERT INTO outbox (kind, key) VALUES ('search', NEW.id);
        END IF;
        RETURN NULL;
    END $$"""
POSTGRESQL_TRIGGER = """CREATE OR REPLACE TRIGGER search_elasticsearch_post_changed
    AFTER INSERT OR DELETE OR UPDATE OF id, user_id, body, language ON posts
    FOR EACH ROW EXECUTE FUNCTION search_elasticsearch_changed()"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a delivery: ids of entries that are done, refused (and why) or to be repeated."""

    done: tuple[int, ...] = ()
    refused: dict[int, str] = field(default_factory=dict)
    again: tuple[int, ...] = ()
    error: str = ""


@implementer(ISearch)
class ElasticsearchSearch:
    """`microblog.search = elasticsearch`"""

    name = "elasticsearch"
    SETTINGS = (URL, INDEX, API_KEY, USER, PASSWORD, CA_CERTIFICATE)

    # One attempt in so many seconds: a page does not wait for a server that is down.
    seconds_for_a_query = 1.0

    def __init__(self) -> None:
        self._is_down = False

    def check(self, settings: Any, database: Database) -> None:
        """Builds the client, which connects to nothing yet."""
        try:
            import elasticsearch
        except ImportError:
            raise ValueError("needs its client: pip install 'microblog[elasticsearch]'.") from None
        self._errors = elasticsearch
        self.alias = settings[INDEX]
        self.next_alias = f"{self.alias}-next"
        options: dict[str, Any] = {}
        if settings[API_KEY]:
            options["api_key"] = settings[API_KEY]
        elif settings[USER]:
            options["basic_auth"] = (settings[USER], settings[PASSWORD] or "")
        if settings[CA_CERTIFICATE]:
            options["ca_certs"] = settings[CA_CERTIFICATE]
        try:
            self._client = elasticsearch.Elasticsearch(settings[URL].split(), max_retries=0, **options)
        except (ValueError, OSError) as error:
            raise ValueError(f"cannot be reached with these settings: {error}") from None

    @property
    def client(self) -> Any:
        """For requests: they wait a second."""
        return self._client.options(request_timeout=self.seconds_for_a_query)

    @property
    def patient(self) -> Any:
        """For the worker and commands: they may wait longer."""
        return self._client.options(request_timeout=SECONDS_FOR_A_BULK)

    # Tables and triggers

    def install(self, session: orm.Session) -> None:
        """The triggers, and an entry for every post that was there before them.

        The index itself is made by `rebuild`: the server may be down now.
        """
        if self._has_triggers(session):
            return
        session.execute(sa.text("INSERT INTO outbox (kind, key) SELECT 'search', id FROM posts"))
        if session.get_bind().dialect.name == "postgresql":
            session.execute(sa.text(POSTGRESQL_FUNCTION))
            session.execute(sa.text(POSTGRESQL_TRIGGER))
            return
        for name, event in TRIGGERS["sqlite"].items():
            row = "old" if "DELETE" in event else "new"
            body = WRITE_ENTRY.format(row=row)
            if "UPDATE" in event:
                body += " INSERT INTO outbox (kind, key) SELECT 'search', old.id WHERE old.id <> new.id;"
            session.execute(sa.text(f"CREATE TRIGGER IF NOT EXISTS {name} {event} BEGIN {body} END"))

    def _has_triggers(self, session: orm.Session) -> bool:
        return bool(session.scalar(HAS_TRIGGERS[session.get_bind().dialect.name]))

    def uninstall(self, session: orm.Session) -> None:
        """The triggers, the entries, and the indices if the server can be reached."""
        if session.get_bind().dialect.name == "postgresql":
            session.execute(sa.text("DROP TRIGGER IF EXISTS search_elasticsearch_post_changed ON posts"))
            session.execute(sa.text("DROP FUNCTION IF EXISTS search_elasticsearch_changed()"))
        else:
            for name in TRIGGERS["sqlite"]:
                session.execute(sa.text(f"DROP TRIGGER IF EXISTS {name}"))
        session.execute(sa.text("DELETE FROM outbox WHERE kind = 'search'"))
        try:
            for indices in self._aliases().values():
                for index in indices:
                    self.client.indices.delete(index=index, ignore_unavailable=True)
        except self._failures() as error:
            log.warning("The index in Elasticsearch stays: %s", sentence_of(error))

    # Writing

    def before_commit(self, session: orm.Session) -> None:
        """Nothing: the triggers have written the entries."""

    def waiting(self, session: orm.Session, author_id: int) -> list[int]:
        return waiting_posts(session, KIND, author_id)

    def catch_up(self, database: Database, limit: int) -> int:
        """Lease, deliver, and only then forget."""
        with database.read() as session:
            if not outbox.any_due(session, KIND):
                return 0
        with database.write() as session:
            entries = outbox.lease(session, KIND, limit)
        outcome = self.deliver(database, entries)
        again = [entry for entry in entries if entry.id in outcome.again]
        with database.write() as session:
            outbox.finish(session, outcome.done)
            outbox.set_aside(session, outcome.refused)
            outbox.postpone(session, again, outcome.error)
        for entry_id, reason in outcome.refused.items():
            log.error("Elasticsearch refused outbox entry %d for good: %s", entry_id, reason)
        return len(outcome.done) + len(outcome.refused)

    def deliver(self, database: Database, entries: Sequence[outbox.Leased]) -> Outcome:
        """Bring what these entries are about to the index as it is now; never raises."""
        versions: dict[int, int] = {}
        for entry in entries:
            versions[int(entry.key)] = max(entry.id, versions.get(int(entry.key), 0))
        try:
            # In this order: an index that a rebuild makes meanwhile will read the posts after us.
            targets = self._targets()
            with database.read() as session:
                documents = posts.documents(session, list(versions))
            answers = self._bulk(documents, versions, targets)
        except self._failures() as error:
            self._note_down(error)
            return Outcome(again=tuple(entry.id for entry in entries), error=sentence_of(error))
        self._note_up()
        return outcome_of(entries, answers)

    def _targets(self) -> list[str]:
        """The aliases that there are; the worker writes to the index that a rebuild fills too."""
        targets = [alias for alias, indices in self._aliases().items() if indices]
        if not targets:
            raise NotBuilt(NOT_BUILT)
        return targets

    def _aliases(self) -> dict[str, list[str]]:
        """The indices behind our two aliases."""
        client = self.patient
        found = client.indices.get(index=f"{self.alias}-*", features="aliases", allow_no_indices=True)
        return {
            alias: [name for name, index in found.items() if alias in index["aliases"]]
            for alias in (self.alias, self.next_alias)
        }

    def _bulk(
        self, documents: dict[int, dict[str, Any]], versions: dict[int, int], targets: list[str]
    ) -> dict[int, list[tuple[int, str]]]:
        """The answers by post: (status, reason) for each target."""
        operations: list[Any] = []
        for target in targets:
            for post_id, version in versions.items():
                where = {"_index": target, "_id": str(post_id), "require_alias": True}
                where |= {"version": version, "version_type": "external"}
                if post_id in documents:
                    operations += [{"index": where}, document_of(documents[post_id])]
                else:
                    del where["require_alias"]
                    operations.append({"delete": where})
        answer = self.patient.bulk(operations=operations)
        answers: dict[int, list[tuple[int, str]]] = {}
        for item in answer["items"]:
            (result,) = item.values()
            reason = result.get("error", {}).get("reason", "") if result["status"] >= 400 else ""
            answers.setdefault(int(result["_id"]), []).append((result["status"], str(reason)))
        return answers

    # Reading

    def search(self, session: orm.Session, query: Query, cursor: Cursor, limit: int) -> list[int]:
        bounds = Bounds.of(query, cursor)
        order = "asc" if bounds.oldest_first else "desc"
        return self._ids(
            query=request_of(session, query, bounds),
            sort=[{"id": order}],
            size=limit,
        )

    def ranked(self, session: orm.Session, query: Query, limit: int) -> list[int]:
        newest = self.search(session, query, Cursor(), RANKED_HITS)
        if not newest or not query.terms:
            return newest[:limit]
        bounds = Bounds(newest[-1] - 1, newest[0] + 1)
        return self._ids(
            query=request_of(session, query, bounds, ranked=True),
            sort=["_score", {"id": "desc"}],
            size=limit,
        )

    def _ids(self, **request: Any) -> list[int]:
        try:
            answer = self.client.search(
                index=self.alias,
                timeout=f"{int(self.seconds_for_a_query * 1000)}ms",
                track_total_hits=False,
                docvalue_fields=ID_FIELD,
                **request,
            )
        except self._errors.NotFoundError:
            raise NotBuilt(NOT_BUILT) from None
        except self._failures() as error:
            self._note_down(error)
            raise SearchUnavailable(DOWN) from None
        self._note_up()
        if answer["timed_out"]:
            raise SearchUnavailable(TOO_SLOW)
        return [hit["fields"]["id"][0] for hit in answer["hits"]["hits"]]

    # Trouble

    def _failures(self) -> tuple[type[Exception], ...]:
        return (
            self._errors.ApiError,
            self._errors.TransportError,
            self._errors.UnsupportedProductError,
            NotBuilt,
        )

    def _note_down(self, error: Exception) -> None:
        """Told once, not once a request."""
        if not self._is_down:
            self._is_down = True
            log.warning("Elasticsearch cannot be used: %s Posting and reading go on.", sentence_of(error))

    def _note_up(self) -> None:
        if self._is_down:
            self._is_down = False
            log.warning("Elasticsearch answers again.")

    # The whole index

    def rebuild(self, database: Database, progress: Callable[[int], None]) -> int:
        """Fill a new index while the old one serves, then switch; one that was left over goes first."""
        try:
            return self._rebuild(database, progress)
        except self._failures() as error:
            raise SearchUnavailable(sentence_of(error)) from None

    def _rebuild(self, database: Database, progress: Callable[[int], None]) -> int:
        client = self.patient
        aliases = self._aliases()
        for left_over in aliases[self.next_alias]:
            client.indices.delete(index=left_over, ignore_unavailable=True)
        with database.write() as session:
            self.install(session)
            if not aliases[self.alias]:
                # Nothing serves yet, so what is committed by now is read below anyway.
                session.execute(sa.text("DELETE FROM outbox WHERE kind = 'search'"))
        index = f"{self.alias}-{secrets.token_hex(6)}"
        client.indices.create(index=index, aliases={self.next_alias: {}}, **BODY)
        count = 0
        with database.read() as session:
            for batch in posts.all_documents(session, BATCH):
                self._fill(client, index, batch)
                count += len(batch)
                progress(len(batch))
        client.indices.refresh(index=index)
        old = self._aliases()[self.alias]
        actions: list[dict[str, Any]] = [
            {"add": {"index": index, "alias": self.alias}},
            {"remove": {"index": index, "alias": self.next_alias}},
            *({"remove_index": {"index": name}} for name in old),
        ]
        client.indices.update_aliases(actions=actions)
        with database.write() as session:
            outbox.hurry(session, KIND)
        return count

    def _fill(self, client: Any, index: str, batch: dict[int, dict[str, Any]]) -> None:
        """Version 0: whatever the worker has written there, or deleted, is newer."""
        operations: list[Any] = []
        for post_id, post in batch.items():
            where = {"_index": index, "_id": str(post_id), "version": 0, "version_type": "external"}
            operations += [{"index": where}, document_of(post)]
        answer = client.bulk(operations=operations)
        for item in answer["items"]:
            result = item["index"]
            if result["status"] >= 400 and result["status"] != CONFLICT:
                raise SearchUnavailable(f"Post {result['_id']} was refused: {result['error']['reason']}")

    def refresh(self) -> None:
        """Let searches see what was written until now; by itself that takes half a second."""
        try:
            self.patient.indices.refresh(index=self.alias)
        except self._errors.NotFoundError:
            raise NotBuilt(NOT_BUILT) from None

    def verify(self, database: Database) -> Drift:
        missing, stale, ghosts = [], [], []
        with database.read() as session:
            for post_id, post, digest in self._pairs(session):
                if digest is None:
                    missing.append(post_id)
                elif post is None:
                    ghosts.append(post_id)
                elif document_of(post)["digest"] != digest:
                    stale.append(post_id)
        return Drift(tuple(missing), tuple(stale), tuple(ghosts))

    def _pairs(self, session: orm.Session) -> Iterator[tuple[int, Any, str | None]]:
        """(id, post, digest) of both sides merged by id; None on the side that lacks it."""
        ours = (item for batch in posts.all_documents(session, BATCH) for item in batch.items())
        theirs = self._digests()
        post, entry = next(ours, None), next(theirs, None)
        while post is not None or entry is not None:
            first = min(side[0] for side in (post, entry) if side is not None)
            in_ours = post is not None and post[0] == first
            in_theirs = entry is not None and entry[0] == first
            yield (
                first,
                post[1] if in_ours and post else None,
                entry[1] if in_theirs and entry else None,
            )
            post = next(ours, None) if in_ours else post
            entry = next(theirs, None) if in_theirs else entry

    def _digests(self) -> Iterator[tuple[int, str]]:
        """(id, digest) of every document, by id."""
        client = self.patient
        after: list[Any] | None = None
        try:
            client.indices.refresh(index=self.alias)
            while True:
                answer = client.search(
                    index=self.alias,
                    sort=[{"id": "asc"}],
                    size=BATCH,
                    search_after=after,
                    docvalue_fields=DIGEST_FIELDS,
                    track_total_hits=False,
                )
                hits = answer["hits"]["hits"]
                for hit in hits:
                    yield hit["fields"]["id"][0], hit["fields"]["digest"][0]
                if len(hits) < BATCH:
                    return
                after = hits[-1]["sort"]
        except self._errors.NotFoundError:
            raise NotBuilt(NOT_BUILT) from None
        except self._failures() as error:
            raise SearchUnavailable(sentence_of(error)) from None

    def repair(self, session: orm.Session, drift: Drift) -> None:
        """Entries for all that differs: the worker brings it to the index as it is now."""
        outbox.write(session, KIND, (*drift.missing, *drift.stale, *drift.ghosts))

    def status(self, session: orm.Session) -> Status:
        try:
            self.patient.indices.refresh(index=self.alias)
            documents = self.patient.count(index=self.alias)["count"]
        except self._errors.NotFoundError:
            raise NotBuilt(NOT_BUILT) from None
        except self._failures() as error:
            raise SearchUnavailable(sentence_of(error)) from None
        depth = outbox.depth(session, KIND)
        return Status(self.name, documents, depth.waiting, depth.set_aside)


CONFLICT = 409
NOT_FOUND = 404
# The document itself is wrong; everything else may be better later.
REFUSED = frozenset({400, 413})
DOWN = (
    "Search does not answer at the moment. Posting and reading go on as usual; "
    "what you typed is kept here, so try again in a minute."
)
TOO_SLOW = "This search took too long and was stopped. Use more words, or rarer ones."


def sentence_of(error: Exception) -> str:
    """What went wrong, in a line; never with the address, which may hold a password."""
    return f"{type(error).__name__}: {str(error)[:200]}"


def outcome_of(entries: Sequence[outbox.Leased], answers: dict[int, list[tuple[int, str]]]) -> Outcome:
    """An entry is done when every index took it, or has something newer already."""
    done, again, refused = [], [], {}
    errors = set()
    for entry in entries:
        results = answers.get(int(entry.key), [(0, "no answer")])
        bad = [(status, reason) for status, reason in results if not is_taken(status, reason)]
        if not bad:
            done.append(entry.id)
        elif all(status in REFUSED for status, _ in bad):
            refused[entry.id] = bad[0][1]
        else:
            again.append(entry.id)
            errors.add(f"{bad[0][0]} {bad[0][1]}")
    return Outcome(tuple(done), refused, tuple(again), "; ".join(sorted(errors))[:200])


def is_taken(status: int, reason: str) -> bool:
    if status == NOT_FOUND:
        return not reason  # a deletion of what was not there; a missing index has a reason
    return 200 <= status < 300 or status == CONFLICT


def document_of(post: dict[str, Any]) -> dict[str, Any]:
    """What the index keeps of a post."""
    words = index_text(post["body"])
    language = (post["language"] or "").lower()
    digest = hashlib.sha256(f"{post['author']} {language} {words}".encode()).hexdigest()[:32]
    return {
        "id": post["id"],
        "words": words,
        "author": post["author"],
        "language": language,
        "digest": digest,
    }


def request_of(session: orm.Session, query: Query, bounds: Bounds, *, ranked: bool = False) -> dict[str, Any]:
    """The query in Elasticsearch's language."""
    filters: list[dict[str, Any]] = [{"range": {"id": {"gt": bounds.above, "lt": bounds.below}}}]
    if query.author is not None:
        author = owner_of_nickname(session, query.author)
        filters.append({"term": {"author": 0 if author is None else author}})
    if query.language is not None:
        either = [{"term": {"language": query.language}}, {"prefix": {"language": f"{query.language}-"}}]
        filters.append({"bool": {"should": either}})
    terms = [term_of(term) for term in query.terms]
    return {
        "bool": {
            "filter": filters if ranked else filters + terms,
            "must": terms if ranked else [],
            "must_not": [term_of(term) for term in query.excluded],
        }
    }


def term_of(term: Term) -> dict[str, Any]:
    if len(term.words) == 1:
        return {"prefix" if term.is_prefix else "term": {"words": {"value": term.words[0]}}}
    phrase = {"query": " ".join(term.words)}
    if term.is_prefix:
        return {"match_phrase_prefix": {"words": {**phrase, "max_expansions": PREFIX_EXPANSIONS}}}
    return {"match_phrase": {"words": phrase}}
