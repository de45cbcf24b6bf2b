"""Our adapters, which do little at once, so that a few posts are many batches.

A busy machine is no failure.
"""

from __future__ import annotations

from microblog.search.elasticsearch.adapter import ElasticsearchSearch
from microblog.search.embedded.fts5 import FTS5Search
from microblog.search.embedded.postgresql import PostgreSQLSearch
from microblog.search.embedded.steps import Steps
from tests.contract.scanning import ScanningSearch

SMALL = Steps(posts_at_once=2, batches_until_tidying=2, seconds_between_attempts=0, compared_at_once=4)


class SmallFTS5(FTS5Search):
    def __init__(self) -> None:
        super().__init__(steps=SMALL)


class SmallPostgreSQL(PostgreSQLSearch):
    def __init__(self) -> None:
        super().__init__(steps=SMALL)


class SmallScanning(ScanningSearch):
    def __init__(self) -> None:
        super().__init__(steps=SMALL)


class SmallElasticsearch(ElasticsearchSearch):
    def __init__(self) -> None:
        super().__init__(seconds_for_a_query=120.0, seconds_for_the_worker=120.0, batch=2)
