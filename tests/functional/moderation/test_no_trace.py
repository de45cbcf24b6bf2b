"""What moderators have taken away leaves no trace, in no list of the site and in no search of any adapter."""

from __future__ import annotations

import pytest

from microblog.moderation import actions
from microblog.moderation.actions import Case
from microblog.moderation.queries import list_posts
from microblog.moderation.withholding import carry_out
from microblog.operations.queries import COUNTS, find_wrong_counts
from microblog.paging import KeyCursor
from microblog.posts.actions import write
from tests.conftest import elasticsearch_settings, get_adapter
from tests.functional.people.test_visibility import (
    PATHS,
    find_hidden,
    open_list,
    site,  # noqa: F401
)
from tests.walk import bodies, enter


def act(database, registry, action, person_id):
    """As a moderator, or the command line, does it."""
    with database.write() as session:
        if action in DEEDS_OF_POSTS:
            ids = [post.id for post in list_posts(session, person_id, KeyCursor(), 100)]
            assert action(session, Case(None, person_id, "Spam"), ids)
        else:
            action(session, Case(None, person_id, "Spam"))
    while carry_out(registry):
        pass
    with database.read() as session:
        wrong = {count.column: find_wrong_counts(session, count).rows for count in COUNTS}
    assert set(wrong.values()) == {0}, wrong


DEEDS_OF_POSTS = (actions.hide_posts, actions.delete_posts)


@pytest.mark.parametrize(("key", "path"), PATHS)
def test_no_list_shows_anything_of_somebody_who_is_suspended(site, application, database, key, path):  # noqa: F811
    act(database, application.registry, actions.suspend, site.mallory)
    assert find_hidden(open_list(site, path)) == []


@pytest.mark.parametrize(("key", "path"), PATHS)
@pytest.mark.parametrize("action", DEEDS_OF_POSTS)
def test_no_list_shows_a_post_that_was_hidden_or_deleted(
    site,  # noqa: F811
    application,
    database,
    action,
    key,
    path,
):
    act(database, application.registry, action, site.mallory)
    assert "malicious" not in open_list(site, path)


PEOPLE = ("/users/?q=mallory", "/users/", "/search?q=mallory")
POSTS = ("/explore", "/explore?lang=de", "/tags/tag", "/search?q=malicious")


@pytest.mark.parametrize("path", [*PEOPLE, *POSTS])
def test_no_list_of_everybody_shows_somebody_who_was_taken_out_of_lists(site, application, database, path):  # noqa: F811
    """Whom somebody answers is said with the answer, as before."""
    act(database, application.registry, actions.limit, site.mallory)
    shown = open_list(site, path)
    assert ("malicious" if path in POSTS else "mallory") not in shown


# Searching


@pytest.fixture(params=["of the database", "elasticsearch", "none"])
def searching(request, make_application):
    """A site that searches by this adapter: susan and john have written about tea."""
    settings = {} if request.param == "of the database" else {"microblog.search": request.param}
    if request.param == "elasticsearch":
        settings |= elasticsearch_settings()
    application = make_application(settings)
    search, database = get_adapter(application), application.database
    reader = application.browser()
    enter(reader, "mary")
    ids = {name: enter(application.browser(), name) for name in ("susan", "john")}
    with database.write() as session:
        for name, user_id in ids.items():
            write(session, user_id, f"Tea of {name}")
    if request.param == "elasticsearch":
        search.rebuild(database, lambda count: None)

    class Searching:
        registry = application.registry
        susan = ids["susan"]
        is_on = request.param != "none"

        def __init__(self):
            self.database = database

        def find(self):
            if request.param == "elasticsearch":
                while self.registry.outbox.work():
                    pass
                search.refresh()
            return sorted(bodies(reader.get("/search?q=tea", status="*")))

    yield Searching()
    if request.param == "elasticsearch":
        with database.write() as session:
            search.uninstall(session)


@pytest.mark.parametrize(
    ("action", "undo"),
    [
        (actions.suspend, actions.unsuspend),
        (actions.limit, actions.unlimit),
        (actions.hide_posts, actions.show_posts),
        (actions.delete_posts, None),
        (actions.delete, None),
    ],
)
def test_no_search_finds_what_was_taken_away(searching, action, undo):
    before = searching.find()
    assert before == (["Tea of john", "Tea of susan"] if searching.is_on else [])
    act(searching.database, searching.registry, action, searching.susan)
    assert searching.find() == before[:1]
    if undo is not None:
        with searching.database.write() as session:
            case = Case(None, searching.susan, "A mistake")
            if undo is actions.show_posts:
                ids = [post.id for post in list_posts(session, searching.susan, KeyCursor(), 100)]
                undo(session, case, ids)
            else:
                undo(session, case)
        while carry_out(searching.registry):
            pass
        assert searching.find() == before
