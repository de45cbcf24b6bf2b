"""A site whose mail leaves through a server."""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa

from tests.conftest import Application
from tests.sink import Sink

URL = "https://blog.example.org"
LINK = re.compile(rf"{re.escape(URL)}(/\S+)")


class Site:
    """A site whose mail reaches people."""

    def __init__(self, application: Application, sink: Sink) -> None:
        self.application, self.sink = application, sink
        self.database, self.registry = application.database, application.registry

    def browser(self, **environ: str) -> Any:
        return self.application.browser(**environ)

    def work(self) -> list[Any]:
        """The mails that the worker sends now."""
        before = len(self.sink.mails)
        while self.registry.outbox.work():
            pass
        return self.sink.mails[before:]

    def read_link(self, mail: Any, beginning: str) -> str:
        """The path of the link in a mail; the same in its text and its HTML."""
        text, html = (part.get_content() for part in mail.message.iter_parts())
        (path,) = [path for path in LINK.findall(text) if path.startswith(beginning)]
        assert f'href="{URL}{path}"' in html
        return str(path)

    def ask_for_password(self, email: str, browser: Any = None) -> Any:
        form = (browser or self.browser()).get("/reset-password").forms["forgotten-form"]
        form["email"] = email
        return form.submit(status="*")

    def execute(self, sql: str, **values: Any) -> None:
        with self.database.write() as session:
            session.execute(sa.text(sql), values)
