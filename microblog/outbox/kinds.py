"""Kinds of entries: which function delivers them, and how. `config.add_outbox_kind` registers one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pyramid.config import PHASE0_CONFIG
from pyramid.exceptions import ConfigurationError
from sqlalchemy import orm

from microblog.outbox.models import KIND_CHARACTERS
from microblog.outbox.queries import LEASE_SECONDS, LONGEST_PAUSE_SECONDS, Leased, Order
from microblog.outbox.unique import Fold


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a delivery, by the ids of its entries.

    Entries that are neither `acknowledged` nor `refused` for good (each for a reason) are retried, because
    of `error`; not before `retry_after` seconds, if the other side asked for that. When all of them are,
    their destination is paused; unless they fail for a reason of their own: then `pauses` is false.
    """

    acknowledged: Collection[int] = ()
    refused: Mapping[int, str] = field(default_factory=dict)
    error: str = ""
    retry_after: float | None = None
    pauses: bool = True


class DeliveryFailed(Exception):
    """No entry was delivered, and all are retried; the message is a sentence for the operator."""

    def __init__(self, sentence: str, *, retry_after: float | None = None) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


Deliver = Callable[[Any, Sequence[Leased]], Outcome | None]
"""Called with the registry and entries of one destination, outside any transaction.

Returns None when all were delivered. After a worker was killed it may be called again with the same entries.
"""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of entries; `add_outbox_kind` explains the options."""

    name: str
    deliver: Deliver
    batch: int = 1
    order: Order = "any"
    fold: Fold | None = None
    lease_seconds: float = LEASE_SECONDS
    longest_pause_seconds: float = LONGEST_PAUSE_SECONDS
    on_lost_lease: Callable[[orm.Session, Sequence[Leased]], None] | None = None
    on_dropped: Callable[[orm.Session, Sequence[str]], None] | None = None
    is_mailed: bool = True


def add_outbox_kind(config: Any, kind: str, deliver: Deliver, **options: Any) -> None:
    """Directive: `deliver` is called with entries of this kind.

    `batch` is how many at once; `order="key"` makes an entry wait for the earlier ones about its key.
    `fold` merges the payloads of two unique entries about one key; pass the same function to
    `write_unique`. `on_lost_lease(session, entries)` is called, when the result is recorded, with entries
    whose lease ended during the delivery, so that another worker may have delivered them meanwhile.
    `on_dropped(session, keys)` is called with the keys of entries that an operator drops. That deliveries of
    a kind are stuck or refused is mailed to the admins, unless `is_mailed=False`: then it is only logged.
    """
    if len(kind) > KIND_CHARACTERS:
        raise ConfigurationError(
            f"The name of an outbox kind has {KIND_CHARACTERS} characters at most: {kind}"
        )
    registered = Kind(kind, deliver, **options)
    introspectable = config.introspectable("outbox kinds", kind, kind, "outbox kind")
    introspectable["kind"] = registered
    config.action(
        ("outbox kind", kind),
        lambda: config.registry.outbox.add(registered),
        order=PHASE0_CONFIG,
        introspectables=(introspectable,),
    )


def declare_derived_kind(config: Any, kind: str) -> None:
    """Directive: entries of this kind are not copied to another database, but derived again from its rows.

    Said also where nothing delivers them.
    """
    config.action(("derived outbox kind", kind), config.registry.derived_kinds.add, args=(kind,))
