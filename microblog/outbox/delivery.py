"""Delivers what waits in the outbox, kind by kind; the worker's task “outbox” calls it in each round."""

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
from microblog.outbox.queries import Leased
from microblog.request import Registry

log = logging.getLogger(__name__)

LONGEST_RETRY_AFTER_SECONDS = 86_400.0
NO_REASON = "Not delivered, for no reason that was given."


class Outbox:
    """The kinds, and the one way in which all of them are delivered; several workers may do it at once."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._kinds: dict[str, Kind] = {}
        self._lock = threading.Lock()
        self._failing: set[tuple[str, str | None]] = set()
        self.lag = LagWatch(registry)

    def add(self, kind: Kind) -> None:
        self._kinds[kind.name] = kind

    @property
    def kinds(self) -> dict[str, Kind]:
        """The registered ones, by name."""
        return dict(self._kinds)

    def work(self) -> int:
        """A batch of each kind, and a look at what waits too long; how many entries are dealt with.

        A kind whose function fails does not hold up the others; its exception is raised at the end.
        """
        count = 0
        fault: Exception | None = None
        for name in self._kinds:
            try:
                count += self.deliver(name)
            except DatabaseUnavailable:
                raise
            except Exception as error:
                fault = fault or error
        self.lag.look()
        if fault is not None:
            raise fault
        return count

    def deliver(self, name: str, limit: int | None = None) -> int:
        """Lease a batch, deliver it, and only then acknowledge; how many entries are dealt with.

        :raises Exception: what the kind's function raised, when its entries are put back.
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
        for batch in by_destination(entries):
            outcome, error = self._hand_over(kind, batch)
            if (
                error is not None and len(batch) > 1
            ):  # the one that it cannot take must not hold up the others
                outcome, error = self._hand_over_one_by_one(kind, batch)
            count += self.account_for(kind, batch, outcome)
            fault = fault or error
        if fault is not None:
            raise fault
        return count

    def _hand_over(self, kind: Kind, entries: Sequence[Leased]) -> tuple[Outcome, Exception | None]:
        """What became of them, and the exception if it was a fault of ours."""
        try:
            outcome = kind.deliver(self._registry, entries)
        except DeliveryFailed as failure:
            return Outcome(error=str(failure), retry_after=failure.retry_after), None
        except DatabaseUnavailable:  # the lease ends by itself
            raise
        except Exception as error:
            return Outcome(error=f"It failed here ({type(error).__name__}); the log says more."), error
        return outcome or Outcome(acknowledged=[entry.id for entry in entries]), None

    def _hand_over_one_by_one(
        self, kind: Kind, entries: Sequence[Leased]
    ) -> tuple[Outcome, Exception | None]:
        acknowledged: list[int] = []
        refused: dict[int, str] = {}
        error, fault = "", None
        for entry in entries:
            outcome, one_fault = self._hand_over(kind, [entry])
            acknowledged += outcome.acknowledged
            refused |= outcome.refused
            error, fault = outcome.error or error, one_fault or fault
        return Outcome(acknowledged, refused, error), fault

    def account_for(self, kind: Kind, entries: Sequence[Leased], outcome: Outcome) -> int:
        """Write down what became of entries of one destination; how many are dealt with for good."""
        done, refused = set(outcome.acknowledged), outcome.refused
        left = [entry for entry in entries if entry.id not in done and entry.id not in refused]
        error = (outcome.error or NO_REASON) if left else ""
        was_failing = self._note_failing(kind.name, entries[0].destination, has_failed=bool(left))
        with self._registry.database.write() as session:
            ours = queries.still_leased(session, entries)
            queries.acknowledge(session, ours & done)
            queries.bury(session, {i: reason for i, reason in refused.items() if i in ours})
            pauses = {
                "longest_seconds": kind.longest_pause_seconds,
                "at_least_seconds": min(outcome.retry_after or 0.0, LONGEST_RETRY_AFTER_SECONDS),
            }
            late = [entry for entry in left if entry.id in ours]
            queries.retry_later(session, kind.name, late, error, fold=kind.fold, **pauses)
            lost = [entry for entry in entries if entry.id not in ours]
            if lost and kind.on_lost_lease is not None:
                kind.on_lost_lease(session, lost)
            self._steer(session, kind.name, entries[0].destination, error, pauses, was_failing=was_failing)
        tell(kind.name, entries[0].destination, refused, error, was_failing=was_failing)
        return len(done) + len(refused)

    def _note_failing(self, name: str, destination: str | None, *, has_failed: bool) -> bool:
        """Did this worker's last delivery there fail?"""
        where = (name, destination)
        with self._lock:
            was_failing = where in self._failing
            if has_failed:
                self._failing.add(where)
            else:
                self._failing.discard(where)
        return was_failing

    def _steer(
        self,
        session: orm.Session,
        name: str,
        destination: str | None,
        error: str,
        pauses: dict[str, float],
        *,
        was_failing: bool,
    ) -> None:
        """Pause a destination that fails; when it is back, whatever waits for it is due at once."""
        if error:
            if destination is not None:
                queries.pause(session, name, destination, error, **pauses)
            return
        was_paused = destination is not None and queries.end_pause(session, name, destination)
        if was_failing or was_paused:
            queries.retry_now(session, name, destination)


def tell(
    name: str, destination: str | None, refused: Mapping[int, str], error: str, *, was_failing: bool
) -> None:
    """The log: of each dead letter, and once when deliveries begin to fail, and when they work again."""
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
    registry.outbox.work()


def by_destination(entries: Sequence[Leased]) -> Iterator[list[Leased]]:
    """The entries of each destination, in their order."""

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
