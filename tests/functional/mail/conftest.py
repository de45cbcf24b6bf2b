"""A site with kinds of mails for tests, whose mail goes to a server, and a person who gets them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
import sqlalchemy as sa
from webtest import TestApp

from microblog.accounts.actions import create_account
from microblog.mail import queries
from microblog.mail.actions import write_mail
from microblog.mail.queries import MailRow
from microblog.outbox.models import Entry
from tests.conftest import Application, settings_for
from tests.sink import Sink

URL = "https://blog.example.org"
VALUES = {"name": "John", "nickname": "john"}


@dataclass
class Site:
    application: Application
    sink: Sink
    susan: int
    settings: dict[str, str]
    make_application: Callable[..., Application]

    def with_port(self, port: int) -> Site:
        """The same site on the same database, whose mail goes to another port."""
        settings = {**self.settings, "microblog.mail.smtp.port": str(port)}
        return replace(self, application=self.make_application(settings))

    @property
    def registry(self) -> Any:
        return self.application.registry

    @property
    def database(self) -> Any:
        return self.application.database

    @property
    def all_settings(self) -> dict[str, str]:
        return {**settings_for(self.url), **self.settings}

    @property
    def url(self) -> str:
        return str(self.database.engine.url.render_as_string(hide_password=False))

    def write(self, cause: str = "letter 1", *, kind: str = "letter", **more: Any) -> int | None:
        values = {"user_id": self.susan, "values": VALUES, **more}
        with self.database.write() as session:
            return write_mail(session, kind=kind, cause=cause, **values)

    def get(self, mail_id: int | None) -> MailRow:
        assert mail_id is not None
        with self.database.read() as session:
            mail = queries.get_mail(session, mail_id)
        assert mail is not None
        return mail

    def deliver(self) -> int:
        """Deliver what is due, one mail after another; returns how many are done."""
        count = 0
        while done := int(self.registry.outbox.deliver(queries.KIND)):
            count += done
        return count

    def make_due(self) -> None:
        """As if all waits were over, and all leases."""
        with self.database.write() as session:
            session.execute(sa.update(Entry).values(next_at=0, not_before=0, lease_until=0))
            session.execute(sa.text("DELETE FROM outbox_pauses"))

    def browser(self, **environ: str) -> TestApp:
        return self.application.browser(**environ)


@pytest.fixture
def make_site(make_application: Callable[..., Application]) -> Iterator[Callable[..., Site]]:
    sinks: list[Sink] = []

    def make(answers: dict[str, str] | None = None, **settings: str) -> Site:
        sink = Sink(answers=answers, enable_SMTPUTF8=True)
        sink.__enter__()
        sinks.append(sink)
        given = {f"microblog.{name.replace('__', '.')}": value for name, value in settings.items()}
        plugins = {"microblog.url": URL, "pyramid.includes": "tests.plugins.letters"}
        settings = {**sink.settings, **plugins, **given}
        application = make_application(settings)
        with application.database.write() as session:
            susan = create_account(session, "susan", email="susan@example.com")
        return Site(application, sink, susan, settings, make_application)

    yield make
    for sink in sinks:
        sink.__exit__()


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    return make_site()
