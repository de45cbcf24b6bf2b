"""Builds the settings, documents and queries of the index in Elasticsearch, and reads its answers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import orm

from microblog.accounts.queries import find_owner_id
from microblog.outbox.kinds import Outcome
from microblog.outbox.queries import Leased
from microblog.paging import Bounds
from microblog.search.language import Query, Term
from microblog.search.stemming import index_post

# A late write must meet the tombstone of a deletion: longer than any lease, stall or rebuild.
GC_DELETES = "24h"
PREFIX_EXPANSIONS = 1000
SCORE_OF_A_FORM = 0.001  # less than the word itself has, unless nearly all posts have it
LONGEST_WORD = 255  # units of UTF-16: where the analyzer would split a longer one, which no query then found

BODY: dict[str, Any] = {
    "settings": {
        "number_of_shards": 1,
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
            # Words are in normal form already, with one space between them, and forms behind them.
            "words": {"type": "text", "analyzer": "whitespace"},
            "author": {"type": "long"},
            "language": {"type": "keyword"},
            "digest": {"type": "keyword", "index": False},
        },
    },
}


def build_index_body(replicas: int) -> dict[str, Any]:
    """The settings and mappings with which an index is created."""
    return {**BODY, "settings": {**BODY["settings"], "number_of_replicas": replicas}}


CONFLICT = 409
NOT_FOUND = 404
# The document itself is wrong; every other error may be gone later.
REFUSED = frozenset({400, 413})


def get_outcome(entries: Sequence[Leased], answers: dict[int, list[tuple[int, str]]]) -> Outcome:
    """An entry is acknowledged when every index took it or already has something newer."""
    acknowledged, refused = [], {}
    errors = set()
    for entry in entries:
        results = answers.get(int(entry.key), [(0, "no answer")])
        bad = [(status, reason) for status, reason in results if not is_taken(status, reason)]
        if not bad:
            acknowledged.append(entry.id)
        elif all(status in REFUSED for status, _ in bad):
            refused[entry.id] = bad[0][1]
        else:
            errors.add(f"{bad[0][0]} {bad[0][1]}.")
    return Outcome(tuple(acknowledged), refused, " ".join(sorted(errors))[:200])


def is_taken(status: int, reason: str) -> bool:
    if status == NOT_FOUND:
        return not reason  # deleting a document that was not there; a missing index has a reason
    return 200 <= status < 300 or status == CONFLICT


def build_document(post: dict[str, Any]) -> dict[str, Any]:
    """What the index keeps of a post."""
    words = " ".join(map(cut, index_post(post["body"], post["language"]).split(" ")))
    language = (post["language"] or "").lower()
    digest = hashlib.sha256(f"{post['author']} {language} {words}".encode()).hexdigest()[:32]
    return {
        "id": post["id"],
        "words": words,
        "author": post["author"],
        "language": language,
        "digest": digest,
    }


def cut(word: str) -> str:
    """The word, or its beginning when it is longer than the analyzer allows."""
    if len(word) <= LONGEST_WORD // 2:
        return word
    return word.encode("utf-16-le")[: LONGEST_WORD * 2].decode("utf-16-le", errors="ignore")


def compare(post: dict[str, Any] | None, digest: str | None) -> str | None:
    """How a document differs from its post, as a field of `Drift`; None when it does not."""
    if post is None:
        return None if digest is None else "ghosts"
    if digest is None:
        return "missing"
    return None if build_document(post)["digest"] == digest else "stale"


def build_request(
    session: orm.Session, query: Query, bounds: Bounds, *, ranked: bool = False
) -> dict[str, Any]:
    """The query in Elasticsearch's language."""
    filters: list[dict[str, Any]] = [{"range": {"id": {"gt": bounds.above, "lt": bounds.below}}}]
    if query.author is not None:
        author = find_owner_id(session, query.author)
        filters.append({"term": {"author": 0 if author is None else author}})
    if query.language is not None:
        either = [{"term": {"language": query.language}}, {"prefix": {"language": f"{query.language}-"}}]
        filters.append({"bool": {"should": either}})
    not_by = [find_owner_id(session, author) for author in query.excluded_authors]
    excluded = [{"terms": {"author": [author for author in not_by if author is not None]}}] if not_by else []
    terms = [build_term(term) for term in query.terms]
    return {
        "bool": {
            "filter": filters if ranked else filters + terms,
            "must": terms if ranked else [],
            "must_not": [*excluded, *(build_term(term) for term in query.excluded)],
        }
    }


def build_term(term: Term) -> dict[str, Any]:
    words = [cut(word) for word in term.words]
    if term.forms:
        # The better of both, since a post in no known language has no forms, and is no worse a match.
        forms = {"filter": {"terms": {"words": list(term.forms)}}, "boost": SCORE_OF_A_FORM}
        return {"dis_max": {"queries": [{"term": {"words": {"value": words[0]}}}, {"constant_score": forms}]}}
    if len(words) == 1:
        return {"prefix" if term.is_prefix else "term": {"words": {"value": words[0]}}}
    phrase = {"query": " ".join(words)}
    if term.is_prefix:
        return {"match_phrase_prefix": {"words": {**phrase, "max_expansions": PREFIX_EXPANSIONS}}}
    return {"match_phrase": {"words": phrase}}
