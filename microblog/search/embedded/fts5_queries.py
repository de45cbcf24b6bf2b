"""Queries in the language of FTS5, and the same queries as conditions on the texts that it indexes."""

# ruff: noqa: S608  # names of tables are constants; values are bound
from __future__ import annotations

from typing import Any

from microblog.paging import Bounds
from microblog.search.embedded.side_table import build_filters
from microblog.search.language import Query, Term
from microblog.search.stemming import LENGTH_OF_A_BEGINNING, MARK


def select(query: Query, bounds: Bounds, spelling: str | None = None) -> tuple[str, dict[str, Any]]:
    """The statement that finds ids, up to `:limit`, and its values."""
    conditions, values = build_filters(query, spelling)
    source, id_ = "posts p", "p.id"
    if query.terms:
        source, id_ = "search_fts5 f", "f.rowid"
        if conditions:
            source += " JOIN posts p ON p.id = f.rowid"
        conditions.insert(0, "search_fts5 MATCH :match")
        values["match"] = build_match(query)
    elif query.excluded:
        source += " JOIN search_fts5_texts t ON t.post_id = p.id"  # only posts that are indexed
        conditions.append("p.id NOT IN (SELECT rowid FROM search_fts5 WHERE search_fts5 MATCH :match)")
        values["match"] = require_any(query.excluded)
    conditions += bounds.list_conditions(id_)
    sql = (
        f"SELECT {id_} FROM {source} WHERE {' AND '.join(conditions)} "
        f"ORDER BY {id_} {bounds.order} LIMIT :limit"
    )
    return sql, values


def build_match(query: Query) -> str:
    """The query in FTS5's language; the words are in normal form and hold no quotes."""
    wanted = " AND ".join(build_term(term) for term in query.terms)
    return f"({wanted}) NOT ({require_any(query.excluded)})" if query.excluded else wanted


def require_any(terms: tuple[Term, ...]) -> str:
    return " OR ".join(build_term(term) for term in terms)


def build_term(term: Term) -> str:
    words = f'"{" ".join(term.words)}"{" *" if term.is_prefix else ""}'
    forms = [f'"{form}"' for form in term.forms]
    return f"({' OR '.join([words, *forms])})" if forms else words


def build_conditions(query: Query) -> tuple[list[str], dict[str, str]]:
    """The same query as conditions on the texts `t`, and their values; exact, since words in normal form are
    separated by one space."""
    conditions: list[str] = []
    values: dict[str, str] = {}
    for terms, negation in ((query.terms, ""), (query.excluded, "NOT ")):
        for term in terms:
            name = f"words_{len(values)}"
            values[name] = f" {' '.join(term.words)}{'' if term.is_prefix else ' '}"
            condition = f"instr(' ' || t.digest || ' ', :{name})"
            if term.forms:
                forms = {f"{name}_{number}": form for number, form in enumerate(term.forms)}
                condition = f"({condition} OR {build_forms_condition(forms)})"
                values |= {key: f" {form} " for key, form in forms.items()}
            conditions.append(f"{negation}{condition}")
    return conditions, values


def build_forms_condition(forms: dict[str, str]) -> str:
    """Has the text one of these forms, which are bound to these names?

    All forms of a text are in one language, so only the one in that language is looked for.
    """
    language = f"substr(t.digest, instr(t.digest, '{MARK}'), {LENGTH_OF_A_BEGINNING})"
    cases = (f"WHEN '{form[:LENGTH_OF_A_BEGINNING]}' THEN :{key}" for key, form in forms.items())
    return f"ifnull(instr(t.digest || ' ', CASE {language} {' '.join(cases)} END), 0)"
