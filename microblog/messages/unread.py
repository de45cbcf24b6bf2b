"""How many threads have something new: in the frame of every page."""

from __future__ import annotations

from microblog.i18n import Message, n_
from microblog.messages.queries import MOST_UNREAD

# Of the header. The page may be compressed all the same: its length may tell that somebody has mail, not
# from whom.
COUNT = "messages"


def describe_unread(count: int) -> tuple[str, Message]:
    """What is seen, and what it means: "3", "3 threads with new messages"."""
    seen = f"{MOST_UNREAD - 1}+" if count >= MOST_UNREAD else str(count)
    meaning = n_("%(count)s thread with new messages", "%(count)s threads with new messages", count)
    return seen, meaning
