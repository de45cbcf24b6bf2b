"""What a statement reads: its plan, and the rows or steps that it really takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from microblog.db import Database

MANY_ROWS = 10_000  # a table with more is large
# What a page may read of a table, or expect to read before the first row comes out.
MOST_ROWS = 3_000
# A search looks through posts, at 0.3 µs each. For 8,000 posts of somebody who wrote every tenth, PostgreSQL
# may choose to walk through 80,000 of everybody.
MOST_ROWS_OF_A_SEARCH = 90_000
# Steps of SQLite's virtual machine: a page takes 5,000, home of a thousand people and twenty tags 51,500, and
# all of 100,000 posts more than 500,000.
MOST_STEPS = 60_000
MOST_STEPS_OF_A_SEARCH = 300_000
STEPS_BETWEEN_COUNTS = 100
EXPLAINED = ("SELECT", "WITH", "INSERT", "UPDATE", "DELETE")
# Nodes of PostgreSQL that give their first row when they have read the last one.
BLOCKING = ("Sort", "Hash", "Aggregate", "WindowAgg", "Materialize")


@dataclass(frozen=True)
class Statement:
    sql: str
    values: Any


@contextmanager
def capture(database: Database) -> Iterator[list[Statement]]:
    """The statements with a plan that are sent inside, each with its values."""
    found: list[Statement] = []

    def remember(connection: Any, cursor: Any, sql: str, values: Any, context: Any, many: bool) -> None:
        if sql.lstrip().startswith(EXPLAINED):
            found.append(Statement(sql, values[0] if many and isinstance(values, list) else values))

    event.listen(database.engine, "before_cursor_execute", remember)
    try:
        yield found
    finally:
        event.remove(database.engine, "before_cursor_execute", remember)


def find_problems(database: Database, statement: Statement, *, is_search: bool = False) -> list[str]:
    """What of a large table the statement reads that it should not, as sentences."""
    find = find_problems_on_sqlite if database.dialect == "sqlite" else find_problems_on_postgresql
    with database.writing.connect() as connection, connection.begin() as transaction:
        problems = find(connection, statement, is_search=is_search)
        transaction.rollback()
    return [f"{problem}: {statement.sql} {statement.values}" for problem in problems]


def list_large_tables(connection: sa.Connection) -> list[str]:
    names = "SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples > %(many)s"
    return list(connection.exec_driver_sql(names, {"many": MANY_ROWS}).scalars())


def find_problems_on_postgresql(
    connection: sa.Connection, statement: Statement, *, is_search: bool
) -> list[str]:
    large = list_large_tables(connection)
    most = MOST_ROWS_OF_A_SEARCH if is_search else MOST_ROWS
    explain = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement.sql}"
    plan = connection.exec_driver_sql(explain, statement.values).scalar_one()[0]["Plan"]
    problems = []
    for node in list_nodes(plan):
        kind = node["Node Type"]
        if kind == "Seq Scan" and node["Relation Name"] in large:
            problems.append(f"It reads all of {node['Relation Name']}")
        if (rows := count_rows(node)) > most:
            problems.append(f"{kind} reads {rows} rows")
        expected = max((child["Plan Rows"] for child in node.get("Plans", ())), default=0)
        if kind in BLOCKING and expected > most:
            problems.append(f"{kind} expects {expected} rows")
    return problems


def list_nodes(plan: Any) -> Iterator[Any]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from list_nodes(child)


def count_rows(node: Any) -> int:
    """Rows that the node has read, also those that it left out."""
    removed = [value for name, value in node.items() if name.startswith("Rows Removed by")]
    return int((node["Actual Rows"] + sum(removed)) * node["Actual Loops"])


def find_problems_on_sqlite(connection: sa.Connection, statement: Statement, *, is_search: bool) -> list[str]:
    plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement.sql}", statement.values).all()
    steps = count_steps(connection, statement)
    if steps <= (MOST_STEPS_OF_A_SEARCH if is_search else MOST_STEPS):
        return []
    return [f"It takes {steps} steps ({'; '.join(row[-1] for row in plan)})"]


def count_steps(connection: sa.Connection, statement: Statement) -> int:
    driver: Any = connection.connection.driver_connection
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += STEPS_BETWEEN_COUNTS
        return 0

    driver.set_progress_handler(count, STEPS_BETWEEN_COUNTS)
    try:
        result = connection.exec_driver_sql(statement.sql, statement.values)
        if result.returns_rows:
            result.fetchall()
    finally:
        driver.set_progress_handler(None, 0)
    return steps
