"""For views: what they do counts, and is refused when it is too much.

What is written is counted in the transaction of the request: what is rolled back does not count. What is
read is counted in the process (process.py).
"""

from __future__ import annotations

from microblog.ids import get_now
from microblog.request import Request
from microblog.security.limits import queries
from microblog.security.limits.addresses import find_blocks
from microblog.security.limits.limit import PER_ACCOUNT, PER_ADDRESS, SITE, Limit
from microblog.security.limits.refusals import refuse
from microblog.security.limits.rules import Count
from microblog.transactions import is_safe


def find_counts(request: Request, limit: Limit, account: str | None = None) -> list[Count]:
    """What this request counts towards: a person by their account, a visitor by their address; who names an
    `account`, in its one form, by that and by their address."""
    registry, identity = request.registry, request.identity
    found = [limit.count_for(registry, SITE)]
    if account is not None:
        found.append(limit.count_for(registry, PER_ACCOUNT, account))
    elif identity is not None:
        found.append(limit.count_for(registry, PER_ACCOUNT, identity.id))
    if account is not None or identity is None:
        blocks = find_blocks(request.remote_addr)
        if blocks is not None:
            found.append(limit.count_for(registry, PER_ADDRESS, blocks.narrow))
    return [count for count in found if count is not None]


def count_request(request: Request, name: str, *, account: str | None = None) -> None:
    """Once more, for the limit of this name: of a GET in the process, else in its write transaction.

    `account` is what a visitor has typed, such as an e-mail address, whether or not anybody has it.

    :raises TooManyRequests: when it is once too often.
    """
    limit = request.registry.limits[name]
    counts, now = find_counts(request, limit, account), get_now()
    if is_safe(request):
        refused = request.registry.process_counts.take(counts, now)
        if refused:
            refuse(request, limit, refused)
    elif counts:
        session = request.begin_write()
        taken = queries.take(session, counts, now)
        used_up = [count for count in counts if count.key not in taken]
        if used_up:
            timestamps = queries.read_timestamps(session, used_up)
            refuse(request, limit, {count: count.get_wait(timestamps[count.key], now) for count in used_up})


def count_at_once(request: Request, name: str) -> None:
    """Once more, in a transaction of its own: it counts even if the request is refused later.

    Before something that costs the site more than a page. A request that runs again counts again.

    :raises TooManyRequests: when it is once too often.
    """
    limit = request.registry.limits[name]
    counts, now = find_counts(request, limit), get_now()
    if counts:
        with request.registry.database.write() as session:
            taken = queries.take(session, counts, now)
            used_up = [count for count in counts if count.key not in taken]
            if used_up:
                timestamps = queries.read_timestamps(session, used_up)
                session.rollback()  # of a refused one nothing is counted
        if used_up:
            refuse(request, limit, {count: count.get_wait(timestamps[count.key], now) for count in used_up})


def check_room(request: Request, name: str) -> None:
    """Before something slow is done for a request that would be refused then; counts nothing.

    :raises TooManyRequests: when once more would be too often.
    """
    limit = request.registry.limits[name]
    counts, now = find_counts(request, limit), get_now()
    if not counts:
        return
    with request.registry.database.read() as session:
        timestamps = queries.read_timestamps(session, counts)
    waits = {count: count.get_wait(timestamps.get(count.key, 0), now) for count in counts}
    refused = {count: wait for count, wait in waits.items() if wait}
    if refused:
        refuse(request, limit, refused)
