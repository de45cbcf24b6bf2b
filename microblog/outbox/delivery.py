"""Delivers the entries of the outbox, kind by kind; the worker's task “outbox” calls it in each round."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC
from email.utils import parsedate_to_datetime
from itertools import groupby

from sqlalchemy import orm

from microblog.outages import DatabaseUnavailable
from microblog.outbox import queries
from microblog.outbox.kinds import DeliveryFailed, Kind, Outcome
from microblog.outbox.lag import LagWatch
from microblog.outbox.queries import Leased, Wait
from microblog.request import Registry

log = logging.getLogger(__name__)

LONGEST_RETRY_AFTER_SECONDS = 86_400.0
SECONDS_IN_A_ROUND = 2.0  # other tasks wait meanwhile
NO_REASON = "Not delivered; no reason was given."


class Outbox:
    """The registered kinds, and how entries of all kinds are delivered; several workers may do so at once."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._kinds: dict[str, Kind] = {}
        self._lock = threading.Lock()
        # How often each kind and destination has failed in a row.
        self._failures: dict[tuple[str, str | None], int] = {}
        self.lag = LagWatch(registry)

    def add(self, kind: Kind) -> None:
        self._kinds[kind.name] = kind

    @property
    def kinds(self) -> dict[str, Kind]:
        """The registered kinds, by name."""
        return dict(self._kinds)

    def work(self, seconds: float = 0.0) -> int:
        """Deliver a batch of each kind, then check for entries that wait too long; return how many are done.

        For this many seconds, deliver further batches of kinds that have more. A kind whose function fails
        does not hold up the others; its exception is raised at the end.
        """
        count = 0
        fault: Exception | None = None
        names, until = list(self._kinds), time.monotonic() + seconds
        while names:
            delivered: dict[str, int] = {}
            for name in names:
                try:
                    delivered[name] = self.deliver(name)
                except DatabaseUnavailable:
                    raise
                except Exception as error:
                    fault = fault or error
            count += sum(delivered.values())
            names = [name for name in delivered if delivered[name]] if time.monotonic() < until else []
        self.lag.check()
        if fault is not None:
            raise fault
        return count

    def deliver(self, name: str, limit: int | None = None) -> int:
        """Lease a batch, deliver it, and only then acknowledge it; return how many entries are done.

        :raises Exception: what the kind's function raised, after its entries were put back.
        """
        kind, database = self._kinds[name], self._registry.database
        with database.read() as session:
            if not queries.is_any_due(session, name, order=kind.order):
                return 0
        with database.write() as session:
            entries = queries.lease(
                session, name, limit or kind.batch, order=kind.order, seconds=kind.lease_seconds
            )
        count = 0
        fault: Exception | None = None
        for batch in group_by_destination(entries):
            outcome, error = self._hand_over(kind, batch)
            # One entry that the function cannot handle must not hold up the others.
            is_one_by_one = error is not None and len(batch) > 1
            if is_one_by_one:
                outcome, error = self._hand_over_one_by_one(kind, batch)
            count += self.record_outcome(kind, batch, outcome, is_recorded=is_one_by_one)
            fault = fault or error
        if fault is not None:
            raise fault
        return count

    def _hand_over(self, kind: Kind, entries: Sequence[Leased]) -> tuple[Outcome, Exception | None]:
        """The outcome, and the exception if the function failed unexpectedly."""
        try:
            outcome = kind.deliver(self._registry, entries)
        except DeliveryFailed as failure:
            return Outcome(error=str(failure), retry_after=failure.retry_after), None
        except DatabaseUnavailable:  # the lease ends by itself
            raise
        except Exception as error:
            return Outcome(error=f"The delivery failed ({type(error).__name__}); see the log."), error
        return outcome or Outcome(acknowledged=[entry.id for entry in entries]), None

    def _hand_over_one_by_one(
        self, kind: Kind, entries: Sequence[Leased]
    ) -> tuple[Outcome, Exception | None]:
        """Record each outcome at once: before the next one the database may be gone."""
        acknowledged: list[int] = []
        refused: dict[int, str] = {}
        error, fault, retry_after = "", None, 0.0
        for entry in entries:
            outcome, one_fault = self._hand_over(kind, [entry])
            with self._registry.database.write() as session:
                self._record_entries(session, kind, [entry], outcome)
            acknowledged += outcome.acknowledged
            refused |= outcome.refused
            error, fault = outcome.error or error, one_fault or fault
            retry_after = max(retry_after, outcome.retry_after or 0.0)
        return Outcome(acknowledged, refused, error, retry_after), fault

    def record_outcome(
        self, kind: Kind, entries: Sequence[Leased], outcome: Outcome, *, is_recorded: bool = False
    ) -> int:
        """Record the outcome for entries of one destination, and pause it or end its pause; return how many
        are done.

        A destination that took or refused any of them works, even when others failed.
        """
        retried = list_retried(entries, outcome)
        has_failed = len(retried) == len(entries) and outcome.pauses
        error = (outcome.error or NO_REASON) if has_failed else ""
        target = (kind.name, entries[0].destination)
        with self._lock:
            failures = self._failures.get(target, 0)
        with self._registry.database.write() as session:
            if not is_recorded:
                self._record_entries(session, kind, entries, outcome)
            if error:
                pause(session, kind, entries[0].destination, error, outcome)
            else:
                resume(session, kind, entries[0].destination, retried, failures=failures)
        with self._lock:
            if error:
                self._failures[target] = count_failures(failures, entries)
            else:
                self._failures.pop(target, None)
        log_outcome(*target, outcome.refused, error, was_failing=failures > 0)
        return len(entries) - len(retried)

    def _record_entries(
        self, session: orm.Session, kind: Kind, entries: Sequence[Leased], outcome: Outcome
    ) -> None:
        """Record for each entry whether it is acknowledged, a dead letter, or retried later."""
        ours = queries.find_still_leased(session, entries)
        retried = list_retried(entries, outcome)
        queries.acknowledge(session, ours & set(outcome.acknowledged))
        queries.make_dead_letters(session, {i: reason for i, reason in outcome.refused.items() if i in ours})
        queries.retry_later(
            session,
            kind.name,
            [entry for entry in retried if entry.id in ours],
            (outcome.error or NO_REASON) if retried else "",
            # When all of several are retried, the wait is about the other side, which may be back sooner.
            wait=get_wait(kind, outcome, is_binding=len(entries) == 1 or len(retried) < len(entries)),
            fold=kind.fold,
        )
        lost = [entry for entry in entries if entry.id not in ours]
        if lost and kind.on_lost_lease is not None:
            kind.on_lost_lease(session, lost)


def list_retried(entries: Sequence[Leased], outcome: Outcome) -> list[Leased]:
    """The entries that are to be retried."""
    done = {*outcome.acknowledged, *outcome.refused}
    return [entry for entry in entries if entry.id not in done]


def get_wait(kind: Kind, outcome: Outcome, *, is_binding: bool = False) -> Wait:
    asked_for = min(outcome.retry_after or 0.0, LONGEST_RETRY_AFTER_SECONDS)
    return Wait(kind.longest_pause_seconds, asked_for, is_binding and asked_for > 0)


def count_failures(before: int, entries: Sequence[Leased]) -> int:
    """Failures in a row; several entries that failed together count as often as the one that failed most."""
    together = max(entry.attempts for entry in entries) if len(entries) > 1 else 0
    return max(before + 1, together)


def pause(session: orm.Session, kind: Kind, destination: str | None, error: str, outcome: Outcome) -> None:
    """Pause a destination for which all entries failed."""
    if destination is not None:
        queries.pause(session, kind.name, destination, error, wait=get_wait(kind, outcome))


def resume(
    session: orm.Session, kind: Kind, destination: str | None, retried: Sequence[Leased], *, failures: int
) -> None:
    """The destination works: if it was failing, retry its entries now.

    Except those that have just failed, and those that failed more often than the destination did in a row,
    which fail for a reason of their own.
    """
    if destination is not None:
        failures = max(failures, queries.end_pause(session, kind.name, destination))
    if failures:
        except_keys = [entry.key for entry in retried]
        queries.retry_now(session, kind.name, destination, except_keys=except_keys, most_attempts=failures)


def log_outcome(
    name: str, destination: str | None, refused: Mapping[int, str], error: str, *, was_failing: bool
) -> None:
    """Log each dead letter, and once when deliveries begin to fail or work again."""
    for entry_id, reason in refused.items():
        log.error(
            "The other side refused outbox entry %d “%s” for good; it is a dead letter now: %s",
            entry_id,
            name,
            reason,
        )
    where = name if destination is None else f"{name} to {destination}"
    if error and not was_failing:
        log.info("Deliveries “%s” fail, and are tried again: %s", where, error)
    elif was_failing and not error:
        log.info("Deliveries “%s” work again.", where)


def deliver_kinds(registry: Registry) -> None:
    """The worker's task."""
    registry.outbox.work(SECONDS_IN_A_ROUND)


def group_by_destination(entries: Sequence[Leased]) -> Iterator[list[Leased]]:
    """The entries of each destination, each in their order."""

    def key(entry: Leased) -> str:
        return entry.destination or ""

    for _, batch in groupby(sorted(entries, key=key), key=key):
        yield list(batch)


def parse_retry_after(value: str | None) -> float | None:
    """The seconds of a `Retry-After` header, which is a number or a date; None when it is neither."""
    value = (value or "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    with suppress(ValueError, OverflowError):
        date = parsedate_to_datetime(value)
        seconds = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - time.time()
        return max(0.0, seconds)
    return None
