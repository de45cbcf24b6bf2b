"""Conversations of any kind, as hypothesis makes them up, against a model in memory."""

from __future__ import annotations

from microblog.db import Database
from tests.conversations.machine import walk

STEPS = {
    "sqlite": 3_000,
    "postgresql": 540,
}  # `python -m benchmarks.conversations` takes more, of other seeds

SEED = 20261126


def test_a_site_keeps_and_shows_what_a_simple_model_does(database: Database) -> None:
    walk(database, STEPS[database.dialect], SEED)
