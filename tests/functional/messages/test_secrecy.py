"""No text of a message leaves by a log, an alert, a profile or an index."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import sqlalchemy as sa

from microblog.alerts.interfaces import get_alerts
from microblog.db import Base
from microblog.messages.events import MessageWritten
from microblog.outbox.models import Entry
from microblog.submissions.models import FormResult
from tests.walk import enter

SECRET = "zebrafish at midnight"
WORD = "zebrafish"


@pytest.fixture
def log(caplog):
    """The whole log; cleared at the end, since records keep what failed alive."""
    caplog.set_level(logging.DEBUG, "microblog")
    yield caplog
    caplog.clear()


def send(browser: Any, status: int) -> Any:
    form = browser.get("/messages/john").forms["message-form"]
    form["message"] = SECRET
    return form.submit(status=status)


def test_the_log_of_slow_statements_hides_the_texts(make_application, log):
    application = make_application({"microblog.slow_queries.threshold": "0.000000001"})
    susan = application.browser()
    enter(susan, "susan")
    enter(application.browser(), "john")
    send(susan, 303).follow()
    susan.get("/messages/")
    assert "INSERT INTO messages" in log.text
    assert "message_text=[hidden]" in log.text
    assert WORD not in log.text


def test_a_fault_while_a_message_is_written_tells_nobody_its_text(make_application, log, tmp_path):
    def fail(event: MessageWritten) -> None:
        event.session.execute(
            sa.text("INSERT INTO messages (owner_id, message_text) VALUES (1, :message_text)"),
            {"message_text": SECRET},
        )

    settings = {"microblog.admins": "admin@example.org", "microblog.mail.folder": str(tmp_path / "mail")}
    application = make_application(
        settings, extend=lambda config: config.add_subscriber(fail, MessageWritten)
    )
    susan = application.browser()
    enter(susan, "susan")
    enter(application.browser(), "john")
    page = send(susan, 500)
    assert SECRET in page.html.select_one(".recovered textarea").get_text()  # for who has typed it
    get_alerts(application.registry).work()
    get_alerts(application.registry).close()
    mails = [file.read_text() for file in (tmp_path / "mail").iterdir()]
    assert len(mails) == 1
    for output in (log.text, *mails):
        assert "IntegrityError" in output
        assert WORD not in output


def test_a_text_is_in_no_other_table(application, database):
    """Neither in the index of the search nor in the outbox, nor among the answers of forms."""
    susan = application.browser()
    enter(susan, "susan")
    enter(application.browser(), "john")
    send(susan, 303)
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(FormResult)) == 1
        # Of the mail that says who has written.
        assert session.scalars(sa.select(Entry.kind)).all() == ["mail"]
        tables = sa.inspect(session.connection()).get_table_names()
        found = {
            table
            for table in tables
            for row in session.execute(sa.text(f'SELECT * FROM "{table}"'))
            if WORD in repr(tuple(row))
        }
    assert found == {"messages"}
    assert {"messages", "message_threads", "message_senders"} <= set(Base.metadata.tables)
