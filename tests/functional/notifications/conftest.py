"""Susan, who is told, and others, who act."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from microblog.accounts.queries import add_user
from microblog.notifications.models import Notification, NotificationGroup
from microblog.posts.actions import write
from tests.conftest import Application
from tests.walk import enter

DAY = 86_400_000 << 20  # of ids


@dataclass
class Site:
    """`post` is one of susan; `browser` is hers."""

    application: Application
    browser: Any
    susan: int
    post: int

    @contextmanager
    def acting(self) -> Iterator[orm.Session]:
        with self.application.database.write() as session:
            yield session

    def do(self, act: Callable[..., Any], *values: Any, **more: Any) -> Any:
        """An act, in a transaction of its own."""
        with self.acting() as session:
            return act(session, *values, **more)

    def add(self, *nicknames: str) -> list[int]:
        """More people."""
        with self.acting() as session:
            return [add_user(session, nickname) for nickname in nicknames]

    def add_now(self, session: orm.Session, nickname: str) -> int:
        return add_user(session, nickname)

    def now(self) -> datetime:
        return datetime.now(UTC)

    def hours(self, number: int) -> timedelta:
        return timedelta(hours=number)

    def show(self, path: str = "/notifications/") -> Any:
        return self.browser.get(path)

    def read(self, path: str = "/notifications/") -> list[str]:
        """The sentences of susan's list; those that are unread begin with "New:"."""
        return sentences(self.show(path))

    def count(self) -> int:
        return int(self.browser.get("/notifications/count").json["count"])

    def let_days_pass(self, days: int = 1) -> None:
        """All that there is happened so many days earlier."""
        shift = days * DAY
        with self.acting() as session:
            session.execute(
                sa.update(NotificationGroup).values(
                    day=sa.case((NotificationGroup.day > 0, NotificationGroup.day - days), else_=0),
                    latest=NotificationGroup.latest - shift,
                    read_until=sa.case(
                        (NotificationGroup.read_until > 0, NotificationGroup.read_until - shift), else_=0
                    ),
                )
            )
            session.execute(sa.update(Notification).values(id=Notification.id - shift))


def sentences(page: Any) -> list[str]:
    return [" ".join(each.get_text().split()) for each in page.html.select(".notification-sentence")]


@pytest.fixture
def site(application, browser) -> Site:
    susan = enter(browser, "susan")
    with application.database.write() as session:
        post = write(session, susan, "Mine whistles.")
    return Site(application, browser, susan, post)


@pytest.fixture
def john(site) -> int:
    return site.add("john")[0]
