"""What the pool of connections does with a transaction that was left open."""

from __future__ import annotations

import sqlite3
import threading
from functools import partial
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.pool import QueuePool

from microblog.engine import leave_transaction


@pytest.fixture
def pool() -> QueuePool:
    """A pool that leaves a transaction as it is: SQLAlchemy does so after a COMMIT that failed."""
    connect: Any = partial(sqlite3.connect, ":memory:")
    pool = QueuePool(connect, pool_size=1, max_overflow=0, reset_on_return=None)
    event.listen(pool, "checkin", leave_transaction)
    return pool


def begin(pool: QueuePool) -> tuple[Any, sqlite3.Connection]:
    lent = pool.connect()
    connection: Any = lent.dbapi_connection
    assert isinstance(connection, sqlite3.Connection)
    connection.execute("BEGIN")
    return lent, connection


def test_a_transaction_that_was_left_open_ends_when_its_connection_comes_back(pool):
    lent, connection = begin(pool)
    lent.close()
    assert not connection.in_transaction
    lent = pool.connect()
    assert lent.dbapi_connection is connection
    lent.close()
    pool.dispose()


def test_a_connection_that_cannot_be_rolled_back_leaves_the_pool(pool):
    lent, connection = begin(pool)
    # SQLite refuses everything that another thread asks of this connection.
    other = threading.Thread(target=lent.close)
    other.start()
    other.join()
    assert connection.in_transaction
    lent = pool.connect()
    assert lent.dbapi_connection is not connection
    lent.close()
    pool.dispose()
    connection.close()
