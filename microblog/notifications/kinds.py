"""What people can be told about, and by which channels: packages add theirs.

    config.add_notification_kind("like", label=_("…"), template="…:templates/like.jinja2", link=…, order=40)

`microblog/notifications/actions.py` writes one, in the transaction of its cause.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import orm

from microblog.notifications.counting import COUNT
from microblog.notifications.models import CHANNEL_LENGTH, KIND_LENGTH
from microblog.notifications.queries import build_count
from microblog.request import Registry

if TYPE_CHECKING:
    from microblog.notifications.queries import NotificationRow

SITE = "site"  # the channel of /notifications/
MAIL = "mail"  # whose choices the room of mail keeps, by its switches


class Person(Protocol):
    @property
    def nickname(self) -> str: ...


class Reader(Protocol):
    """Who is told (`me`), and the addresses of pages where they read it: a request, or a mail."""

    @property
    def me(self) -> Person: ...

    @property
    def link(self) -> Callable[..., str]: ...


@dataclass(frozen=True, kw_only=True)
class NotificationKind:
    """`label` is what is chosen on `/account/notices`; `template` draws the sentence of a `notification`, on
    pages and in digests, and `link(reader, notification)` is where it leads.

    Those that are `folded` are one line a day, with one cause: "susan and 12 others liked your post".
    `mail` is the folder of the templates of its mails, whose kind has the same name; without it, people are
    told by no mail. Those that are not `counted` have another sign in the header that counts them.
    Where a notification stands for several things, `count_unread(session, user_id, actor_ids)` is how many of
    each actor the person has not read.
    """

    name: str
    label: str
    template: str
    link: Callable[[Reader, NotificationRow], str]
    order: int
    folded: bool = False
    mail: str | None = None
    counted: bool = True
    count_unread: Callable[[orm.Session, int, Collection[int]], Mapping[int, int]] | None = None


@dataclass(frozen=True)
class NoticeChannel:
    """How people are told; `by_default` those who have not chosen."""

    name: str
    label: str
    by_default: bool = True


def add_notification_kind(config: Any, name: str, **more: Any) -> None:
    """Directive: a kind of notifications (see `NotificationKind`)."""
    assert len(name) <= KIND_LENGTH  # noqa: S101  # of whoever develops a package
    kind = NotificationKind(name=name, **more)
    config.action(("notification kind", name), register, args=(config.registry, kind))
    if kind.mail is not None:
        config.add_mail_kind(name, folder=kind.mail, label=kind.label)


def register(registry: Registry, kind: NotificationKind) -> None:
    kinds = registry.notification_kinds
    kinds[kind.name] = kind
    if not kind.counted:
        uncounted = tuple(each.name for each in kinds.values() if not each.counted)
        registry.header_counts[COUNT] = build_count(uncounted)


def add_notice_channel(config: Any, name: str, label: str, *, by_default: bool = True) -> None:
    """Directive: people choose on `/account/notices` what they are told about in this way, too."""
    assert len(name) <= CHANNEL_LENGTH  # noqa: S101  # as above
    channel = NoticeChannel(name, label, by_default)
    config.action(("notice channel", name), config.registry.notice_channels.__setitem__, args=(name, channel))


def list_kinds(registry: Registry) -> list[NotificationKind]:
    return sorted(registry.notification_kinds.values(), key=attrgetter("order"))


def includeme(config: Any) -> None:
    config.registry.notification_kinds = {}
    config.registry.notice_channels = {}
    config.add_directive("add_notification_kind", add_notification_kind)
    config.add_directive("add_notice_channel", add_notice_channel)
