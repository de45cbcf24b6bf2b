"""Formats the parameters of a SQL statement for people: long ones are cut, secrets hidden.

A column's name decides what is secret. SQLAlchemy names a parameter after the column that it is compared
with or written to (`email_key_1`), and in our own SQL we have named it. Where nothing names it
(`lower(email) = ?`, parameters without names), every text is hidden if the statement mentions a secret
column at all.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from microblog.db import Base

log = logging.getLogger(__name__)

HIDDEN = "[hidden]"
LONGEST_VALUE = 100  # characters
SHORTEST_PART = 5  # characters of a name
MOST_ITEMS = 10  # of a list
MOST_PARAMETERS = 50
MOST_SETS = 3  # of parameters, for a statement that is executed with many sets
SELECT = re.compile(r"\s*SELECT\b", re.I)
NUMBER_AT_THE_END = re.compile(r"(_\d+)+$")


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of all columns, of those that hold secrets, and of those with which a password is verified.

    A model declares this by `info={"secret": True}` and `info={"secret": True, "verifies": True}`.
    """

    every: frozenset[str]
    secret: frozenset[str]
    verifying: frozenset[str]


def get_columns() -> Columns:
    """The columns of all models, also of those that were imported later."""
    return load_columns(tuple(Base.metadata.tables))


@lru_cache(maxsize=4)
def load_columns(tables: tuple[str, ...]) -> Columns:
    columns = [column for table in tables for column in Base.metadata.tables[table].columns]
    return Columns(
        frozenset(column.name for column in columns),
        frozenset(column.name for column in columns if column.info.get("secret")),
        frozenset(column.name for column in columns if column.info.get("verifies")),
    )


def format_parameters(statement: str, values: Any, context: Any = None) -> str:
    """`nickname='susan', password_hash=[hidden]`; of many sets the first ones.

    `values` are the parameters for the driver; `context` is SQLAlchemy's execution context, if there is one.
    Never raises, since it is called while the application executes a statement.
    """
    try:
        return format_sets(statement, values, context)
    except Exception:
        log.exception("The parameters of a statement could not be shown.")
        return "[not shown]"


def format_sets(statement: str, values: Any, context: Any) -> str:
    compiled = getattr(context, "compiled", None)
    sets = getattr(context, "compiled_parameters", None) if compiled is not None else None
    if not sets:
        sets = values if is_many(values) else [values] if values else []
    lines = [format_set(statement, one, compiled) for one in sets[:MOST_SETS]]
    if len(sets) > MOST_SETS:
        lines.append(f"and {len(sets) - MOST_SETS:,} more sets")
    return "; ".join(line for line in lines if line)


def is_many(values: Any) -> bool:
    """Are these many sets of parameters, and not one?"""
    return (
        isinstance(values, list)
        and bool(values)
        and all(isinstance(one, (tuple, list, Mapping)) for one in values)
    )


def format_set(statement: str, values: Any, compiled: Any) -> str:
    parts: list[str] = []
    for name, value in iterate_parameters(values):
        if len(parts) == MOST_PARAMETERS:
            parts.append(f"and {len(values) - MOST_PARAMETERS:,} more")
            break
        text = HIDDEN if is_hidden(statement, name, value, compiled) else format_value(value)
        parts.append(f"{name}={text}" if name else text)
    return ", ".join(parts)


def iterate_parameters(values: Mapping[str, Any] | Sequence[Any]) -> Iterator[tuple[str, Any]]:
    if isinstance(values, Mapping):
        yield from values.items()
    else:
        yield from (("", value) for value in values)


def is_hidden(statement: str, name: str, value: Any, compiled: Any) -> bool:
    """Is the value, or may it be, that of a column that holds secrets?"""
    if value is None or isinstance(value, (int, float, date)):
        return False
    stem = NUMBER_AT_THE_END.sub("", name)
    if is_secret(stem) or verifies_a_password(statement):
        return True
    if name and (stem in get_columns().every or not is_made_up(name, compiled)):
        return False
    return mentions_secrets(statement)


def is_secret(name: str) -> bool:
    """Is it the name of a secret column, does it contain one (`old_email`), or is it a part (`password`)?"""
    lower = name.lower()
    return any(
        column in lower or (len(lower) >= SHORTEST_PART and lower in column)
        for column in get_columns().secret
    )


def verifies_a_password(statement: str) -> bool:
    """Does somebody log in by this statement? People type their password into any field."""
    return SELECT.match(statement) is not None and any(
        column in statement for column in get_columns().verifying
    )


def is_made_up(name: str, compiled: Any) -> bool:
    """Has SQLAlchemy made up the name of the parameter, after a function or after nothing?"""
    bind = getattr(compiled, "binds", {}).get(name)
    return bind is not None and bind.unique


def mentions_secrets(statement: str) -> bool:
    return any(is_secret(word) for word in set(re.findall(r"\w+", statement)))


def format_value(value: Any) -> str:
    """The value as Python writes it, not longer than a line."""
    if isinstance(value, (list, tuple)):
        items = ", ".join(format_value(item) for item in value[:MOST_ITEMS])
        more = f", and {len(value) - MOST_ITEMS:,} more" if len(value) > MOST_ITEMS else ""
        return f"[{items}{more}]"
    if isinstance(value, (str, bytes)):
        text = repr(value[:LONGEST_VALUE])
        unit = "characters" if isinstance(value, str) else "bytes"
        return text if len(value) <= LONGEST_VALUE else f"{text}… ({len(value):,} {unit})"
    return repr(value)[:LONGEST_VALUE]
