"""What happens between people who write to each other (see `microblog.events`)."""

from __future__ import annotations

from dataclasses import dataclass

from microblog.events import Change


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageWritten(Change):
    """Somebody has written a private message. Its text is not here: nothing but the two needs it.

    Neither of the two has blocked the other. The recipient may have muted the author
    (`is_unseen` of `microblog/people/visibility.py`): then it is delivered, and nobody is notified.
    """

    message_id: int
    thread_id: int
    author_id: int
    recipient_id: int
