"""Tries to prove who somebody is, by a password: wrong ones count, and none is verified that is too much.

A try is counted before it is verified, in a transaction of its own: so of many at the same moment no more are
verified than one after another, and what is refused later does not take the count with it. The right password
gives it back. Who is refused when, and why nobody can lock somebody else out, is in docs/adr/0031.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import orm

from microblog.ids import get_now
from microblog.request import Request
from microblog.security.limits import queries
from microblog.security.limits.addresses import Blocks, find_blocks
from microblog.security.limits.devices import find_device
from microblog.security.limits.limit import PER_ACCOUNT, PER_ACCOUNT_AND_ADDRESS, PER_ADDRESS, SITE, Limit
from microblog.security.limits.refusals import refuse
from microblog.security.limits.rules import Count

TRIES = "microblog.tries"  # in the WSGI environment, where another attempt of the request finds them
NO_ADDRESS = Blocks("")


@dataclass(frozen=True, slots=True)
class Try:
    """What one try was counted by, and the key of the count that begins anew when it was right."""

    counts: tuple[Count, ...]
    own: str | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """What a try in a browser that nobody knows is counted by; None where that is off, or nothing is known.

    `pair` is that of this account from this address. When one of them, or `address`, is used up, the try is
    refused. Of `everywhere` (this account, from anywhere) and `site` anybody may use up everything, so they
    refuse only those who have tried before: at this account (`pair`), or from this address. So they do when
    `around`, the wide block of IPv6 in which the address is, has used up what one address may; and when
    nobody can tell who has tried before.
    """

    pair: Count | None
    everywhere: Count | None
    address: Count | None
    around: Count | None
    site: Count | None

    @property
    def all(self) -> tuple[Count, ...]:
        found = (self.pair, self.everywhere, self.address, self.around, self.site)
        return tuple(count for count in found if count is not None)

    def find_refused(self, times: dict[str, int]) -> list[Count]:
        """Those for which the try is refused; `times` is how often there was one, of the counts with room."""

        def is_used_up(count: Count | None) -> bool:
            return count is not None and count.key not in times

        def has_tried(count: Count | None) -> bool:
            return count is None or times.get(count.key, 0) > 1 or is_used_up(self.around)

        refused = [count for count in (self.pair, self.address) if is_used_up(count)]
        if is_used_up(self.everywhere) and has_tried(self.pair):
            refused.append(self.everywhere)
        if is_used_up(self.site) and has_tried(self.address):
            refused.append(self.site)
        return [count for count in refused if count is not None]


def find_counts(request: Request, limit: Limit, account: str) -> Counts:
    registry = request.registry
    known = find_blocks(request.remote_addr)
    blocks = known or NO_ADDRESS
    return Counts(
        pair=limit.count_for(registry, PER_ACCOUNT_AND_ADDRESS, account, blocks.narrow),
        everywhere=limit.count_for(registry, PER_ACCOUNT, account),
        address=limit.count_for(registry, PER_ADDRESS, blocks.narrow) if known else None,
        around=limit.count_for(registry, PER_ADDRESS, blocks.wide) if blocks.wide else None,
        site=limit.count_for(registry, SITE),
    )


def begin_try(request: Request, name: str, account: str, user_id: int | None) -> Try:
    """Count a try at the account that was named, before it is verified; when a request runs again, once.

    `account` is what was typed, in its one form: an address and a nickname are two accounts here, since
    nobody may learn that they are one. `user_id` is whose it is, for the cookie; None when it is nobody's.

    :raises TooManyRequests: when it is one too many; then it may not be verified.
    """
    begun: dict[str, Try] = request.environ.setdefault(TRIES, {})
    if name not in begun:
        limit = request.registry.limits[name]
        begun[name] = try_at_known_device(request, limit, user_id) or try_anywhere(request, limit, account)
    return begun[name]


def try_at_known_device(request: Request, limit: Limit, user_id: int | None) -> Try | None:
    """None when the browser is not known, or has used up its count: then it is one like any other.

    So a cookie that was stolen keeps nobody out, and opens no more than a second count.
    """
    device = None if user_id is None else find_device(request, user_id)
    count = device and limit.count_for(request.registry, PER_ACCOUNT_AND_ADDRESS, device)
    if not count:
        return None
    with request.registry.database.write() as session:
        taken = queries.take(session, [count], get_now())
    return Try((count,), own=count.key) if taken else None


def try_anywhere(request: Request, limit: Limit, account: str) -> Try:
    counts, now = find_counts(request, limit, account), get_now()
    if not counts.all:
        return Try(())
    with request.registry.database.write() as session:
        times = queries.take(session, counts.all, now)
        refused = counts.find_refused(times)
        if refused:
            timestamps = queries.read_timestamps(session, refused)
            session.rollback()  # of a refused try nothing is counted
    if refused:
        refuse(request, limit, {count: count.get_wait(timestamps[count.key], now) for count in refused})
    taken = tuple(count for count in counts.all if count.key in times)
    return Try(taken, own=counts.pair.key if counts.pair else None)


def give_back(session: orm.Session, made: Try) -> None:
    """The try was right: it does not count, and the wrong ones before it are forgotten for this account."""
    if made.counts:
        queries.give_back(session, made.counts, [made.own] if made.own else [])
