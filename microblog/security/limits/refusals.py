"""The answer to a request that was one too many."""

from __future__ import annotations

import logging
from typing import NoReturn

from pyramid.httpexceptions import HTTPTooManyRequests

from microblog.i18n import join_sentences
from microblog.measuring import count as count_metric
from microblog.request import Request
from microblog.security.limits.limit import Limit
from microblog.security.limits.rules import MILLISECONDS, Count, try_again

log = logging.getLogger(__name__)


class TooManyRequests(HTTPTooManyRequests):
    """429, with the sentence for people and `Retry-After`. It is in the log already."""

    is_logged = True

    def __init__(self, sentence: str, seconds: int) -> None:
        super().__init__(sentence, headers=[("Retry-After", str(seconds))])


def refuse(request: Request, limit: Limit, waits: dict[Count, int]) -> NoReturn:
    """Refuse the request: `waits` are the counts that are used up, and the milliseconds until each has room.

    The log repeats no address, which the line of the request has, and names no account that was tried.
    """
    count, wait = max(waits.items(), key=lambda item: item[1])
    seconds = max(1, -(-wait // MILLISECONDS))
    identity = request.registry.security_policy.get_known_identity(request)
    fields = {
        "limit": limit.name,
        "scope": count.scope,
        "rate": str(count.rate),
        "retry_after": seconds,
        "user": None if identity is None else identity.id,
    }
    log.info(
        "Limit reached: %(limit)s, %(rate)s %(scope)s; refused for %(retry_after)d seconds, user %(user)s",
        fields,
        extra={"fields": fields},
    )
    count_metric(request.registry, "limited_requests", limit=limit.name)
    raise TooManyRequests(join_sentences(limit.refusal, try_again(seconds)), seconds)
