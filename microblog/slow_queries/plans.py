"""Asks the database for the plan of a statement, on a separate connection.

The statement is not run. The connection is not from the pool, is read-only and has a short time limit, so
that a plan costs the site nothing, and never waits for the write lock.
"""

from __future__ import annotations

import re
import threading
from typing import Any

import sqlalchemy as sa

from microblog.slow_queries.parameters import is_many

SECONDS_FOR_A_PLAN = 1.0
SECONDS_TO_CONNECT = 2  # psycopg's minimum
EXPLAINABLE = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "VALUES")
TEXT_LITERAL = re.compile(r"'(?:[^']|'')*'")

_asking = threading.Lock()


def get_plan(engine: sa.Engine, statement: str, values: Any, seconds: float = SECONDS_FOR_A_PLAN) -> str:
    """The plan, one step a line, or a sentence that says why there is none; never raises.

    A process asks for one plan at a time: when everything is slow, asking would make it even slower.
    """
    if not statement.lstrip()[:10].upper().startswith(EXPLAINABLE):
        return "There is no plan for such a statement."
    if not _asking.acquire(blocking=False):
        return "It was not requested, since another plan was being requested."
    try:
        steps = explain_sqlite if engine.dialect.name == "sqlite" else explain_postgresql
        # PostgreSQL shows values in its plans, where secret ones cannot be told from others.
        one = values[0] if is_many(values) else values
        return TEXT_LITERAL.sub("'…'", steps(engine, statement, one, seconds))
    except Exception as error:
        return f"The database returned none: {type(error).__name__}: {get_first_line(error)}"
    finally:
        _asking.release()


def get_first_line(error: Exception) -> str:
    return TEXT_LITERAL.sub("'…'", str(error).strip().split("\n")[0])


def explain_sqlite(engine: sa.Engine, statement: str, values: Any, seconds: float) -> str:
    dialect = engine.dialect
    arguments, options = dialect.create_connect_args(engine.url)
    connection: Any = dialect.connect(*arguments, **{**options, "timeout": seconds})
    try:
        connection.execute("PRAGMA query_only=ON")
        depth = {0: 0}
        lines = []
        for step, parent, _, detail in connection.execute(f"EXPLAIN QUERY PLAN {statement}", values):
            depth[step] = depth[parent] + 1
            lines.append(f"{'  ' * depth[parent]}{detail}")
        return "\n".join(lines) or "SQLite searches for nothing in it."
    finally:
        connection.close()


def explain_postgresql(engine: sa.Engine, statement: str, values: Any, seconds: float) -> str:
    dialect = engine.dialect
    arguments, options = dialect.create_connect_args(engine.url)
    milliseconds = int(seconds * 1000)
    limits = f"-c statement_timeout={milliseconds} -c default_transaction_read_only=on -c jit=off"
    more = {"autocommit": True, "connect_timeout": SECONDS_TO_CONNECT, "options": limits}
    connection: Any = dialect.connect(*arguments, **{**options, **more})
    try:
        rows = connection.execute(f"EXPLAIN {statement}", values)
        return "\n".join(row[0] for row in rows)
    finally:
        connection.close()
