"""Choosing an adapter, and what the embedded one does when it is tampered with."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from zope.interface import implementer

from microblog import SettingsError, configure
from microblog.accounts.queries import add_user
from microblog.outbox import queries as outbox
from microblog.outbox.inspection import list_entries
from microblog.paging import Cursor
from microblog.posts.queries import add_post
from microblog.search.adapters import remove
from microblog.search.embedded.fts5 import FTS5Search
from microblog.search.feeding import NO_DELIVERY, add_kind, catch_up
from microblog.search.interfaces import (
    Drift,
    ISearch,
    ISearchSettings,
    SearchUnavailable,
    Status,
    get_search,
    get_search_index,
)
from microblog.search.language import parse
from microblog.search.models import KIND
from microblog.search.nothing import NoSearch
from microblog.settings import Setting, text
from tests.conftest import SETTINGS


def refused(**settings: str) -> str:
    """The message with which these settings stop the start."""
    with pytest.raises(SettingsError) as caught:
        configure({**SETTINGS, **{f"microblog.{key}": value for key, value in settings.items()}})
    return str(caught.value)


def test_an_unknown_adapter_stops_the_start():
    assert "'fts6'" in refused(search="fts6")


def test_a_dotted_name_that_cannot_be_imported_stops_the_start():
    assert "cannot be imported" in refused(search="no.such.module")


@pytest.mark.parametrize("name", ["datetime.date", "microblog", "os.path.join"])
def test_something_that_is_no_adapter_stops_the_start(name):
    assert repr(name) in refused(search=name)


def test_postgresql_on_sqlite_stops_the_start():
    assert "postgresql lives inside PostgreSQL" in refused(search="postgresql")


def test_fts5_on_postgresql_stops_the_start():
    message = refused(search="fts5", **{"database.url": "postgresql+psycopg://localhost/x"})
    assert "fts5 lives inside SQLite" in message


@implementer(ISearch, ISearchSettings)
class AdapterWithSettings(NoSearch):
    """Somebody else's adapter, with a setting of its own."""

    SETTINGS = (Setting("microblog.search.theirs.shelf", text, "upper", "Where its books stand."),)

    def check(self, settings: Any, database: Any) -> None:
        """Works with everything."""


def test_an_adapter_may_have_settings_of_its_own():
    name = "tests.unit.search.test_adapters.AdapterWithSettings"
    shelf = AdapterWithSettings.SETTINGS[0]
    config = configure({**SETTINGS, "microblog.search": name, shelf.key: "lower"})
    assert isinstance(get_search(config.registry), AdapterWithSettings)
    assert config.registry.microblog[shelf] == "lower"


def test_without_search_the_page_says_so_and_the_rest_works(make_application):
    application = make_application({"microblog.search": "none"})
    search, index = get_search(application.registry), get_search_index(application.registry)
    page = application.browser().get("/search?q=word", status=503)
    assert "Posts cannot be searched on this site." in page
    with application.database.write() as session:
        index.install(session)
        assert index.status(session) == Status("none", 0, 0)
        with pytest.raises(SearchUnavailable):
            search.search(session, parse("word"), Cursor(), 1)
        with pytest.raises(SearchUnavailable):
            search.ranked(session, parse("word"), 1)
        index.repair(session, Drift())
        index.uninstall(session)
    assert catch_up(application.registry, 1) == 0
    assert index.rebuild(application.database, print) == 0
    assert not index.verify(application.database)


TAMPERING = [
    ("DELETE FROM search_fts5_texts WHERE post_id = :id", "missing"),
    ("UPDATE search_fts5_texts SET digest = 'other' WHERE post_id = :id", "stale"),
    ("INSERT INTO search_fts5_texts VALUES (:id + 1, 'nobody wrote this')", "ghosts"),
    ("INSERT INTO search_fts5_texts VALUES (:id - 1, 'nor this')", "ghosts"),
]


@pytest.mark.parametrize(("sql", "kind"), TAMPERING)
def test_verify_finds_what_does_not_agree(tmp_path, sql, kind):
    """The embedded adapter, on a database of its own also where the tests run on PostgreSQL."""
    from microblog.operations import migrating

    config = configure({**SETTINGS, "microblog.database.url": f"sqlite+pysqlite:///{tmp_path}/x.sqlite3"})
    database, search = config.registry.database, FTS5Search()
    migrating.upgrade(database)
    with database.write() as session:
        search.install(session)
        post = add_post(session, add_user(session, "susan"), "as it was")
    with database.write() as session:
        session.execute(sa.text(sql), {"id": post})
    other = {TAMPERING[2][0]: post + 1, TAMPERING[3][0]: post - 1}.get(sql, post)
    assert search.verify(database) == Drift(**{kind: (other,)})
    search.rebuild(database, lambda count: None)
    assert search.verify(database) == Drift()
    database.close()


def test_entries_that_the_adapter_does_not_take_wait_with_a_sentence(make_application):
    """The site had Elasticsearch, and has another adapter now; its index was not made yet."""
    application = make_application(extend=add_kind)
    with application.database.write() as session:
        outbox.write(session, KIND, [1])
    assert catch_up(application.registry) == 0
    with application.database.read() as session:
        (entry,) = list_entries(session, KIND, 9)
    assert entry.error == NO_DELIVERY


def test_an_adapter_that_has_nothing_in_the_database_is_removed_without_harm(database):
    remove(database, "none")
