"""Reports SQL statements that take too long, or run too often in one request.

The statements of a request are reported when it is over: then its transaction holds no lock that asking for a
plan would prolong, and it is known how often each ran. A task of the worker or a command may run for hours,
so there each statement is reported as soon as its rows are fetched.
"""

from __future__ import annotations

import hashlib
import logging
import re
import time
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from microblog.call_sites import CallSite
from microblog.events import AlertRaised
from microblog.logs.settings import ACCESS_LOG
from microblog.metrics.settings import METRICS
from microblog.observing import LONGEST_PATH, Observation, get_current_observation
from microblog.profiling.settings import PROFILER
from microblog.request import Registry, Request
from microblog.settings import Settings
from microblog.slow_queries.plans import get_plan
from microblog.slow_queries.settings import SLOW_EXPLAIN, SLOW_REPEATS, SLOW_THRESHOLD
from microblog.slow_queries.timing import Run, Timer, install

log = logging.getLogger(__name__)

# In the WSGI environment, which a second attempt of the request finds again.
SLOW = "microblog.slow_queries"
REPEATED = "microblog.repeated_queries"
MOST_REPORTS_OF_A_REQUEST = 20
SECONDS_FOR_PLANS_OF_A_REQUEST = 1.0  # after this time no other plan is requested
TOO_LATE = "It was not requested, since other plans took too long already."
LONGEST_STATEMENT = 5000  # characters
FINGERPRINT_CHARACTERS = 16

# What differs between two runs of one statement, and its replacement, in this order.
DIFFERENCES = (
    (re.compile(r"'(?:[^']|'')*'"), "?"),
    (re.compile(r"%\(\w+\)s|%s|\$\d+|(?<![:\w]):[a-zA-Z_]\w*"), "?"),
    (re.compile(r"\?::(?:[A-Z ]|\(\d+\)|\[\])+"), "? "),
    (re.compile(r"\b\d+(?:\.\d+)?\b"), "?"),
    (re.compile(r"\s+"), " "),
    (re.compile(r"\?(?: ?, ?\?)+"), "?"),
    (re.compile(r"\( ?\? ?\)(?: ?, ?\( ?\? ?\))+"), "(?)"),
    (re.compile(r"\( ?\? ?\)"), "(?)"),
)


@lru_cache(maxsize=1024)
def compute_fingerprint(statement: str) -> str:
    """The same for statements that differ only in values, or in the number of values of an IN."""
    for difference, replacement in DIFFERENCES:
        statement = difference.sub(replacement, statement)
    return hashlib.sha256(statement.strip().encode()).hexdigest()[:FINGERPRINT_CHARACTERS]


def describe_caller(observation: Observation | None) -> dict[str, str]:
    """The request, task or command, as fields of the log."""
    if observation is None:
        return {}
    request = observation.request
    if request is None:
        return {"task": observation.task, "id": observation.id}
    # Quoted, so that nothing that a client has sent begins a new line.
    return {
        "method": request.method,
        "path": quote(request.environ.get("PATH_INFO", "")[:LONGEST_PATH].encode("latin-1", "replace")),
        "context": observation.context_name,
        "view": quote(observation.view_name[:LONGEST_PATH]),
        "id": observation.id,
    }


def format_caller(who: dict[str, str]) -> dict[str, str]:
    """The same as one line of the message, with its label."""
    if "path" in who:
        about = "{method} {path}, context {context}, view {view!r}, id {id}"
        return {"Request": about.format_map({**who, "context": who["context"] or "none"})}
    return {"Task": "{task}, id {id}".format_map(who)} if who else {}


class SlowQueries:
    """Reports to the log and the admins; a `Reporter` for the timer, and an observer."""

    def __init__(
        self, registry: Registry, *, seconds_for_plans: float = SECONDS_FOR_PLANS_OF_A_REQUEST
    ) -> None:
        self._registry = registry
        self._seconds_for_plans = seconds_for_plans
        self._repeats: int = registry.microblog[SLOW_REPEATS]
        self._explain: bool = registry.microblog[SLOW_EXPLAIN]

    def note_slow(self, run: Run) -> bool:
        request = None if run.observation is None else run.observation.request
        # Rows that are fetched while the response is being sent come after the request's report.
        if request is None or get_current_observation() is not run.observation:
            return False
        kept = request.environ.setdefault(SLOW, [])
        if len(kept) < MOST_REPORTS_OF_A_REQUEST:
            kept.append(run)
        return True

    def report(self, run: Run, *, explain: bool = True) -> None:
        try:
            self.report_slow(run, explain=explain)
        except Exception:  # reporting must not make the application's statement fail
            log.exception("A slow query could not be reported.")

    def note_repeated(self, observation: Observation, statement: str, where: CallSite) -> None:
        # Not for tasks: they work in thousands of batches, where repetition means nothing.
        if observation.request is not None:
            observation.request.environ.setdefault(REPEATED, {})[statement] = where

    def report_request(self, observation: Observation, response: Any) -> None:
        """Report the slow and repeated statements of a request that is over; an observer."""
        request = observation.request
        if request is None:
            return
        end = time.monotonic() + self._seconds_for_plans
        for run in request.environ.pop(SLOW, ()):
            self.report(run, explain=time.monotonic() < end)
        if 0 < self._repeats < observation.statements:
            self.report_repeated(request, observation)

    def report_slow(self, run: Run, *, explain: bool) -> None:
        who = describe_caller(run.observation)
        lines = {
            "SLOW QUERY": run.statement[:LONGEST_STATEMENT],
            "Parameters": run.parameters or "none",
            "Duration": f"{run.seconds:.3f} s",
            "Context": str(run.call_site),
            **format_caller(who),
        }
        fields = {
            "statement": lines["SLOW QUERY"],
            "parameters": run.parameters,
            "seconds": run.seconds,
            "source": run.call_site.source,
            "called_from": run.call_site.view,
            **who,
        }
        counts = {} if run.observation is None else run.observation.counts
        if run.statement in counts:
            runs, ns = counts[run.statement]
            fields |= {"runs": runs, "runs_seconds": ns / 1e9}
            when = "in this request" if "path" in who else "until now"
            lines["Runs"] = f"{runs:,} {when}, {ns / 1e9:.3f} s in all"
        if self._explain:
            engine = self._registry.database.engine
            fields["plan"] = get_plan(engine, run.statement, run.values) if explain else TOO_LATE
            lines["Plan"] = f"\n{fields['plan']}"
        # Without a call site, the beginning of the statement on one line.
        source = run.call_site.source or " ".join(run.statement.split())[:60]
        subject = f"{run.seconds:.3f} s in {source}"
        self._report("slow query", compute_fingerprint(run.statement), subject, lines, fields)

    def report_repeated(self, request: Request, observation: Observation) -> None:
        """Report repeated statements; those that differ only in the number of values count as one."""
        groups: dict[str, list[str]] = {}
        for statement in observation.counts:
            groups.setdefault(compute_fingerprint(statement), []).append(statement)
        call_sites: dict[str, CallSite] = request.environ.pop(REPEATED, {})
        who = describe_caller(observation)
        for group, statements in groups.items():
            runs = sum(observation.counts[statement][0] for statement in statements)
            if runs <= self._repeats:
                continue
            seconds = sum(observation.counts[statement][1] for statement in statements) / 1e9
            where = next((call_sites[one] for one in statements if one in call_sites), CallSite("", ""))
            lines = {
                "REPEATED QUERY": statements[0][:LONGEST_STATEMENT],
                "Runs": f"{runs:,} in this request",
                "Duration": f"{seconds:.3f} s in all",
                "Context": str(where),
                **format_caller(who),
            }
            fields = {
                "statement": lines["REPEATED QUERY"],
                "runs": runs,
                "runs_seconds": seconds,
                "source": where.source,
                "called_from": where.view,
                **who,
            }
            self._report("repeated query", group, f"{runs:,} times in {who['path']}", lines, fields)

    def _report(
        self, kind: str, group: str, subject: str, lines: dict[str, str], fields: dict[str, Any]
    ) -> None:
        """Log one event, and alert the admins."""
        # Line breaks are allowed in the format, which is ours, but not in arguments (see `logs`).
        template = "\n".join(f"{label}: %s" for label in lines)
        event = {"event": kind, "fingerprint": group, **fields}
        log.warning(template, *lines.values(), extra={"fields": event})
        body = template % tuple(lines.values())
        alert = AlertRaised(self._registry, kind, group, f"{kind.capitalize()}: {subject}", body)
        self._registry.notify(alert)


def is_needed(settings: Settings) -> bool:
    """Does any setting need the times of statements?"""
    return bool(
        settings[SLOW_THRESHOLD]
        or settings[SLOW_REPEATS]
        or settings[ACCESS_LOG]
        or settings[METRICS]
        or settings[PROFILER] != "false"
    )


def includeme(config: Any) -> None:
    settings = config.registry.microblog
    if not is_needed(settings):
        return
    slow_queries = SlowQueries(config.registry)
    install(
        config.registry.database.engine,
        Timer(slow_queries, threshold=settings[SLOW_THRESHOLD], repeats=settings[SLOW_REPEATS]),
    )
    if settings[SLOW_THRESHOLD] or settings[SLOW_REPEATS]:
        config.add_observer(slow_queries.report_request)
