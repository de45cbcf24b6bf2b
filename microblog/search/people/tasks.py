"""The worker compares everybody's words once a day, a few hundred people a round.

So those are found who were here before there were words, or whom a version without them has changed, or a
shell; and who became active, or has not been for a month, moves among the others. A new rule of words begins
it anew.
"""

from __future__ import annotations

from microblog.ids import get_now
from microblog.request import Registry
from microblog.search.people import queries
from microblog.search.people.finding import get_active_since
from microblog.search.people.words import get_version

SECONDS_BETWEEN_LOOKS = 600
MILLISECONDS_BETWEEN_WALKS = 86_400_000
PEOPLE_IN_A_ROUND = 500
PEOPLE_IN_A_TRANSACTION = 100  # others wait for it on SQLite: some milliseconds


def compare_words(registry: Registry) -> bool:
    """Compare the words of the next people, and correct them; True when there are more.

    It goes on where it was, also in another process, since that is noted in the database.
    """
    version, now, since = get_version(), get_now(), get_active_since()
    with registry.database.read() as session:
        walk = queries.get_walk(session, version)
        if walk is None or walk.finished is not None:
            if walk is not None and now - walk.started < MILLISECONDS_BETWEEN_WALKS:
                return False
            after, started = 0, now
        else:
            after, started = walk.last_id, walk.started
        ids, outdated = queries.find_outdated(session, after, PEOPLE_IN_A_ROUND, since)
    for begin in range(0, len(outdated), PEOPLE_IN_A_TRANSACTION):
        with registry.database.write() as session:
            queries.write_words(session, outdated[begin : begin + PEOPLE_IN_A_TRANSACTION], since)
    is_finished = len(ids) < PEOPLE_IN_A_ROUND
    with registry.database.write() as session:
        queries.note_walk(
            session,
            version,
            last_id=ids[-1] if ids else after,
            started=started,
            finished=now if is_finished else None,
        )
    return not is_finished
