"""Who asked for a new password: an entry for each, whether or not the address has an account.

So the answer to the request takes as long for both. The worker looks who it is, and writes the mail.
"""

from __future__ import annotations

from collections.abc import Sequence

from microblog.accounts.by_mail.actions import write_reset
from microblog.outbox.queries import Leased
from microblog.request import Registry

KIND = "password reset"


def deliver(registry: Registry, entries: Sequence[Leased]) -> None:
    with registry.database.write() as session:
        for entry in entries:
            write_reset(session, entry.payload["email"], language=entry.payload["language"])
