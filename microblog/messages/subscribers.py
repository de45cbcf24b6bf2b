"""Who is told of a message: its recipient, once until they have read it, and never what it says."""

from __future__ import annotations

from microblog.messages import queries
from microblog.messages.actions import KIND
from microblog.messages.events import MessageWritten
from microblog.notifications.actions import tell
from microblog.notifications.kinds import Reader
from microblog.notifications.queries import NotificationRow


def tell_written(event: MessageWritten) -> None:
    """The cause is up to where the recipient has read: more messages are no more news until they read on."""
    if not event.imported:
        read_id = queries.get_read_id(event.session, event.recipient_id, event.thread_id)
        tell(
            event.session,
            KIND,
            event.author_id,
            event.recipient_id,
            cause=read_id or event.thread_id,
        )


def link_to_thread(reader: Reader, notification: NotificationRow) -> str:
    return reader.link("messages", notification.actor.nickname)
