"""No page and no search reads a large table from one end to the other, with a million posts.

Every statement of a page is explained and run: on PostgreSQL the plan and the rows that each of its nodes
reads count, on SQLite the steps.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from microblog.accounts.by_mail.resources import ConfirmLink, ResetLink, ResetPassword
from microblog.accounts.new_address.resources import FormerAddressLink, NewAddressLink
from microblog.accounts.registrations.resources import (
    InvitationsPage,
    RegistrationPage,
    RegistrationsPage,
)
from microblog.accounts.resources import Account
from microblog.admin.resources import Admin
from microblog.health.views import Health
from microblog.ids import LARGEST
from microblog.mail.resources import MailPage, MailsPage, Unsubscription
from microblog.media.resources import PictureFile
from microblog.messages.queries import count_unread_from
from microblog.messages.resources import Messages, Thread, ThreadMessage
from microblog.metrics.views import MetricsPage
from microblog.moderation.queries import PEOPLE_STATES
from microblog.moderation.resources import AuditPage, CasePage, PeoplePage, PersonPage, PostsPage, ReportsPage
from microblog.moderation.views import DEEDS
from microblog.notifications.digests import queries as digests
from microblog.notifications.digests.rules import MOST_LINES
from microblog.notifications.digests.tasks import PEOPLE_IN_A_ROUND
from microblog.notifications.resources import NotificationLine, Notifications, UnreadCount
from microblog.notifications.rules import MOST_COUNTED
from microblog.people.resources import Avatar, BlockedPerson, Person, Users
from microblog.posts.resources import DeletedPost, PicturePage, PostPage, Posts, Versions
from microblog.profiling.resources import ProfilePage, ProfilesPage
from microblog.search.resources import Search
from microblog.tags.resources import Tag, Tags
from microblog.timelines.views import MOST_SUGGESTED
from microblog.tree import Api, Root
from tests.conftest import POSTGRESQL_URL, Application
from tests.plans.checking import Statement, capture, find_problems
from tests.plans.conftest import NEWCOMERS_TOKEN, READERS_TOKEN
from tests.plans.large_site import ANSWERED, DELETED, POSTS, READER, get_post_id, write_statistics

DIALECT = "postgresql" if POSTGRESQL_URL else "sqlite"
LARGER_BY = 1_000_000 // POSTS[DIALECT]
NEWEST = get_post_id(DIALECT, POSTS[DIALECT] - 20)
MIDDLE = get_post_id(DIALECT, POSTS[DIALECT] // 2)
OLDEST = get_post_id(DIALECT, 20)
BUSY, GONE = get_post_id(DIALECT, ANSWERED), get_post_id(DIALECT, DELETED) + 1  # both with many replies


def paged(path: str, *cursors: str) -> tuple[str, ...]:
    mark = "&" if "?" in path else "?"
    return (path, *(f"{path}{mark}{cursor}" for cursor in cursors))


BY_POST = (f"before={MIDDLE}", f"after={MIDDLE}", f"before={OLDEST}", f"after={NEWEST}")
# Not here, because nothing but reading all posts answers them, until a second is over: a phrase of two words
# of half the posts that never follow each other; and what lacks a word that all posts have.
SEARCHES = (
    *("common", "recent", "often", "middling7", "rare7", "nowhere", "nobody*", "mid*", "middling7*"),
    *('"common often"', '"middling7 rare207"', "common often", "common recent", "even odd"),
    *("-often", "-recent", "often -common", "middling7 -often", "common -often", "often -middling7"),
    *("from:person3", "from:person3 common", "from:person5 often", "from:person5 rare7", "from:nobody often"),
    *("from:person3 recent", "from:person3 nowhere", "from:person3 -middling10", "from:person5 -often"),
    *("-from:person3", "common -from:person3", "recent -from:person5", "rare7 -from:person3", "-from:nobody"),
    *(
        "nowhere -from:person3",
        "-often -from:person3",
        "lang:es often -from:person3",
        "lang:eu -from:person3",
    ),
    *("lang:en", "lang:es", "lang:eu", "lang:nl", "lang:en common", "lang:es recent", "lang:eu often"),
    *("lang:es nowhere", "lang:es -common", "lang:eu rare7", "from:person5 lang:es common"),
    *(
        "before:2025-01-01 common",
        "after:2025-06-01 middling7",
        "before:2024-02-01 recent",
        "after:2030-01-01",
    ),
    *("tag:common", "tag:rare7", "tag:nowhere", "tag:common often", "tag:rare7 common", "common -tag:common"),
    *("tag:common from:person3", "tag:common lang:es", "tag:rare7 lang:eu", "before:2025-01-01 tag:common"),
    *("before:2025-01-01", "after:2025-01-01 before:2025-01-02", "before:2025-01-01 from:person3 rare7"),
)
# The paths of each page, or the reason why it reads nothing.
PAGES: dict[tuple[type, str], tuple[str, ...] | str] = {
    (Root, ""): paged("/", *BY_POST),
    (Root, "explore"): (
        *paged("/explore", *BY_POST),
        *(
            path
            for tag in ("en", "es", "eu", "nl", "und")
            for path in paged(f"/explore?lang={tag}", *BY_POST)
        ),
    ),
    (Tags, ""): ("/tags/",),
    (Tag, ""): tuple(
        path for tag in ("common", "rare7", "nowhere") for path in paged(f"/tags/{tag}", *BY_POST)
    ),
    (Tag, "follow"): ("/tags/common/follow",),
    (Tag, "unfollow"): ("/tags/common/unfollow",),
    (Search, ""): ("/search", "/search?q=common"),  # and all SEARCHES
    (Search, "help"): ("/search/help",),
    (Root, "register"): ("/register",),
    (Root, "login"): ("/login",),
    (Root, "logout"): ("/logout",),
    (Root, "check-mail"): "is the same for everybody",
    (ResetPassword, ""): ("/reset-password",),
    (ResetLink, ""): (f"/reset-password/{'x' * 43}",),
    (ConfirmLink, ""): (f"/confirm/{'x' * 43}",),
    (NewAddressLink, ""): (f"/new-address/{'x' * 43}",),
    (FormerAddressLink, ""): (f"/former-address/{'x' * 43}",),
    (RegistrationsPage, ""): "is for admins, and reads a page by its ids",
    **{(RegistrationPage, name): "is one row by its id, for admins" for name in ("approve", "refuse")},
    (InvitationsPage, ""): "is for admins, and reads the last ones by their ids",
    (Account, "email"): ("/account/email",),
    (Account, "confirm-address"): ("/account/confirm-address",),
    (Unsubscription, ""): "reads nothing: all is in its address",
    (AuditPage, ""): tuple(
        path
        for asked in ("", "?person=person3", "?actor=person2", "?action=suspend", "?person=nobody")
        for path in paged(f"/admin/audit/{asked}", "before=25000", "after=25000")
    ),
    (PeoplePage, ""): tuple(
        path
        for asked in ("", "?q=person1", *(f"?state={state}" for state in PEOPLE_STATES))
        for path in paged(f"/admin/people/{asked}", "before=10000", "after=10000")
    ),
    (PersonPage, ""): ("/admin/people/Person3", "/admin/people/Person17", "/admin/people/Person10"),
    **{(PersonPage, name): (f"/admin/people/Person3/{name}",) for name in DEEDS},
    (PersonPage, "posts"): (
        *paged("/admin/people/Person3/posts", *BY_POST),
        *("/admin/people/Person3/posts?since=hour", f"/admin/people/Person3/posts?post={MIDDLE}"),
    ),
    (PostsPage, ""): ("/admin/posts/", *paged("/admin/posts/?link=example.com", *BY_POST)),
    (ReportsPage, ""): tuple(
        path
        for asked in ("", "?state=mine", "?state=closed")
        for path in paged(f"/admin/reports/{asked}", "before=25000", "after=25000")
    ),
    (CasePage, ""): paged("/admin/reports/10", "before=500", "after=500"),
    (PostPage, "moderate"): (f"/posts/{MIDDLE}/moderate",),
    (PostPage, "report"): (f"/posts/{MIDDLE}/report",),
    (Person, "report"): ("/users/Person3/report",),
    (BlockedPerson, "report"): ("/users/Person15001/report",),
    (MailsPage, ""): "is for admins; tests/functional/mail/test_pages.py looks at its statements",
    **{(MailPage, name): "is one row by its id, for admins" for name in ("", "retry", "drop")},
    (Root, "updates"): (
        "/updates",
        *(f"/updates?after={post}" for post in (OLDEST, MIDDLE, NEWEST)),
        *(f"/updates?after={post}&timeline=home" for post in (OLDEST, MIDDLE, NEWEST)),
    ),
    (Root, "preferences"): ("/preferences",),
    (Root, "about"): ("/about",),
    (Root, "help"): ("/help",),
    (Root, "privacy"): ("/privacy",),
    (Root, "terms"): "is a file, or not there",
    (Root, "rules"): "is a file, or not there",
    (Root, "manifest.webmanifest"): "is made of settings",
    (Root, "theme.css"): "is made of settings",
    (Root, "logo"): "is a file",
    (Root, "robots.txt"): "is the same for every site",
    (Root, "favicon.ico"): "is a file",
    (Account, ""): ("/account/",),
    (Account, "privacy"): ("/account/privacy",),
    (Account, "profile"): ("/account/profile",),
    (Account, "password"): ("/account/password",),
    (Account, "sessions"): ("/account/sessions",),
    (Account, "delete"): ("/account/delete",),
    (Account, "blocks"): paged("/account/blocks", *BY_POST),
    (Account, "mutes"): paged("/account/mutes", *BY_POST),
    (Account, "filters"): ("/account/filters",),
    (Account, "notices"): ("/account/notices",),
    (Notifications, ""): paged("/notifications/", "before=1000000500", "before=1"),
    (Notifications, "read"): ("/notifications/read",),
    (UnreadCount, ""): ("/notifications/count",),
    (NotificationLine, "open"): ("/notifications/50000/open", "/notifications/1/open"),
    (NotificationLine, "read"): ("/notifications/50000/read",),
    (Users, ""): (
        *paged("/users/", "after=person5", "before=person5"),
        *paged("/users/?q=person1", "after=person15"),
        *(f"/users/?q={q}" for q in ("p", "person19999", "nobody", "@Person", "erson")),
        *(
            f"/users/?q={q}"
            for q in ("g", "gardener", "green7", "ger77", "gardener+green", "gardener+g+green7")
        ),
    ),
    (Person, ""): (*paged("/users/Person3", *BY_POST), *paged("/users/Person7", *BY_POST)),
    (Person, "followers"): (
        *paged("/users/Person2/followers", "before=1000010000"),
        *paged("/users/Person1/followers", "before=300"),
    ),
    (Person, "following"): (
        *paged("/users/Person1/following", "before=2000000500"),
        "/users/Person2/following",
    ),
    (Person, "replies"): paged("/users/Person3/replies", *BY_POST),
    (Person, "mentions"): paged("/users/Person1/mentions", *BY_POST),
    (Users, "by-beginning"): tuple(f"/users/by-beginning?q={q}" for q in ("", "p", "person1", "person19999")),
    (Person, "card"): ("/users/Person3/card",),
    (Person, "follow"): ("/users/Person3/follow",),
    (Person, "unfollow"): ("/users/Person3/unfollow",),
    **{(Person, action): (f"/users/Person3/{action}",) for action in ("block", "unblock", "mute", "unmute")},
    (BlockedPerson, ""): ("/users/Person15001",),
    (BlockedPerson, "block"): ("/users/Person15001/block",),
    (BlockedPerson, "unblock"): ("/users/Person15001/unblock",),
    (Avatar, ""): "is drawn from its address",
    (PictureFile, ""): "is sent by the storage, without the database",
    (Posts, ""): ("/posts/",),
    (PostPage, ""): (f"/posts/{MIDDLE}", "/posts/1", *paged(f"/posts/{BUSY}", *BY_POST)),
    (PostPage, "replies"): "leads to the post",
    (DeletedPost, ""): paged(f"/posts/{GONE}", *BY_POST),
    (DeletedPost, "replies"): "is a form that was sent",
    (PostPage, "delete"): (f"/posts/{MIDDLE}/delete",),
    (PostPage, "translate"): (f"/posts/{MIDDLE}/translate",),
    (PostPage, "language"): (f"/posts/{MIDDLE}/language",),
    (PostPage, "edit"): (f"/posts/{MIDDLE}/edit",),
    (PostPage, "undo"): (f"/posts/{MIDDLE}/undo",),
    (PicturePage, ""): (f"/posts/{MIDDLE}/pictures/1",),
    (Versions, ""): paged(f"/posts/{BUSY}/versions/", "before=50"),
    **{
        (PostPage, name): (f"/posts/{BUSY}/{name}",)
        for name in ("like", "unlike", "boost", "unboost", "bookmark", "unbookmark")
    },
    (PostPage, "likes"): (*paged(f"/posts/{BUSY}/likes", "before=10000"), f"/posts/{MIDDLE}/likes"),
    (PostPage, "boosts"): (*paged(f"/posts/{BUSY}/boosts", "before=10000"), f"/posts/{MIDDLE}/boosts"),
    (Account, "likes"): paged("/account/likes", "before=1000000500", "before=1"),
    (Account, "bookmarks"): paged("/account/bookmarks", "before=1000000500", "before=1"),
    (Account, "messages"): ("/account/messages",),
    # With everybody, and of 100,000 messages with one of them.
    (Messages, ""): paged("/messages/", "before=210000", "after=210000", "before=200010"),
    (Thread, ""): (
        *paged("/messages/Person3", "before=50000", "after=50000", "before=10", "after=99990"),
        *("/messages/Person15001", "/messages/Person1", "/messages/deleted-7"),
    ),
    (Thread, "delete"): ("/messages/Person3/delete",),
    (ThreadMessage, "delete"): ("/messages/Person3/50000/delete",),
    (Health, "live"): "asks no database",
    (Health, "ready"): ("/health/ready",),
    (MetricsPage, ""): ("/metrics",),
    (Admin, ""): ("/admin/",),
    (ProfilesPage, ""): "lists files",
    (ProfilePage, ""): "reads a file",
    (ProfilePage, "download"): "is a file",
    (Api, ""): ("/api/",),
}
WALKED = [
    pytest.param(paths, id=f"{context.__name__}-{name}")
    for (context, name), paths in PAGES.items()
    if not isinstance(paths, str)
]


@pytest.fixture(
    scope="module", params=["without", "of a million"] if DIALECT == "sqlite" else ["of a million"]
)
def known(request: pytest.FixtureRequest, site: Application) -> Application:
    """The site, with these statistics of its tables."""
    if DIALECT == "sqlite" and request.param == "of a million":
        write_statistics(site.database, LARGER_BY)
    return site


@pytest.fixture
def look_at(known: Application) -> Callable[[str], list[str]]:
    """A function that shows a page to a visitor and to a reader, and gives the problems of its statements."""

    def look_at(path: str) -> list[str]:
        visitor, reader = (known.browser(REMOTE_ADDR="127.0.0.1") for _ in range(2))
        reader.set_cookie("session", READERS_TOKEN)
        with capture(known.database) as statements:
            visitor.get(path, status="*")
            response = reader.get(path, status="*")
        assert response.status_int in (200, 303, 403, 404, 409, 410), f"{path}: {response.status}"
        is_search = path.startswith(("/search", "/users/?q=", "/admin/posts/?link="))
        different = {(statement.sql, repr(statement.values)): statement for statement in statements}
        return [
            problem
            for statement in different.values()
            for problem in find_problems(known.database, statement, is_search=is_search)
        ]

    return look_at


@pytest.mark.parametrize("paths", WALKED)
def test_a_page_reads_no_more_than_it_shows(look_at, paths):
    problems = {path: found for path in paths if (found := look_at(path))}
    assert not problems


def test_whom_a_newcomer_may_like_to_follow_is_found_among_the_newest_posts(known):
    newcomer = known.browser()
    newcomer.set_cookie("session", NEWCOMERS_TOKEN)
    with capture(known.database) as statements:
        page = newcomer.get("/")
    assert len(page.html.select(".suggested .person")) == MOST_SUGGESTED
    assert [problem for each in statements for problem in find_problems(known.database, each)] == []


def test_a_digest_reads_no_more_than_it_tells(known):
    now = datetime(2026, 1, 1, tzinfo=UTC)
    with known.database.read() as session, capture(known.database) as statements:
        due = digests.list_due(session, now, PEOPLE_IN_A_ROUND)
        found = digests.find_unread(session, READER, since=0, until=LARGEST, refused={"answer"})
        lines = digests.list_lines(session, READER, found[:MOST_LINES])
        count_unread_from(session, READER, range(2, MOST_LINES))
    with known.database.write() as session, capture(known.database) as writing:
        assert digests.take(session, due[0], due=now, since=0)
    # Of twenty posts one is hidden.
    assert (len(due), len(found), len(lines)) == (PEOPLE_IN_A_ROUND, MOST_COUNTED + 1, MOST_LINES - 2)
    assert [problem for each in statements + writing for problem in find_problems(known.database, each)] == []


@pytest.mark.parametrize("q", SEARCHES)
def test_a_search_looks_through_no_more_than_a_part_of_the_posts(look_at, q):
    newest = f"/search?q={q}"
    paths = [*paged(newest, f"before={MIDDLE}", f"after={MIDDLE}"), f"{newest}&order=relevance"]
    problems = {path: found for path in paths if (found := look_at(path))}
    assert not problems


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id FROM posts WHERE body LIKE '%%nowhere%%' ORDER BY id DESC LIMIT 26",
        "SELECT id FROM users ORDER BY lower(nickname) LIMIT 26",
        "SELECT n.key FROM nicknames n JOIN users u ON u.id = n.user_id AND n.key = lower(u.nickname) "
        "ORDER BY u.posts_count, n.key LIMIT 26",
        "SELECT user_id, count(*) FROM posts GROUP BY user_id ORDER BY 2 DESC LIMIT 26",
        "SELECT f.followee_id FROM follows f WHERE f.follower_id + 0 = 1",
        "UPDATE posts SET language = 'nl' WHERE body = 'nothing'",
    ],
)
def test_a_statement_that_reads_everything_is_found(known, sql):
    assert find_problems(known.database, Statement(sql, ()))


def test_a_page_by_an_index_is_none(known):
    sql = "SELECT id, body FROM posts ORDER BY id DESC LIMIT 26"
    assert not find_problems(known.database, Statement(sql, ()))


def test_what_is_explained_is_not_done(known):
    find_problems(known.database, Statement("DELETE FROM limit_counts", ()))
    with known.database.read() as session:
        assert session.scalar(sa.text("SELECT 1 FROM limit_counts LIMIT 1"))


def test_the_list_names_every_page(known):
    found = set()
    for item in known.registry.introspector.get_category("views"):
        view = item["introspectable"]
        if isinstance(view["context"], type) and not issubclass(view["context"], BaseException):
            found.add((view["context"], view["name"]))
    assert found == set(PAGES)
