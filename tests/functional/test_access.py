"""Who may do what: one table of view × role → status, held against all views by introspection.

Susan is the owner, john somebody else, and admin has the rights of an administrator.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pyramid.request import apply_request_extensions
from pyramid.security import NO_PERMISSION_REQUIRED, forget, remember
from sqlalchemy import orm
from webtest import Form, TestApp, TestResponse

import microblog
from microblog.accounts import passwords
from microblog.accounts import queries as account_queries
from microblog.accounts.by_mail.queries import mark_unconfirmed
from microblog.accounts.by_mail.resources import ConfirmLink, ResetLink, ResetPassword
from microblog.accounts.models import Registration
from microblog.accounts.new_address.resources import FormerAddressLink, NewAddressLink
from microblog.accounts.registrations.resources import (
    InvitationsPage,
    RegistrationPage,
    RegistrationsPage,
)
from microblog.accounts.resources import Account
from microblog.admin.resources import Admin
from microblog.health.views import Health
from microblog.mail import queries as mail_queries
from microblog.mail.kinds import MailKind
from microblog.mail.links import sign
from microblog.mail.resources import MailPage, MailsPage, Unsubscription
from microblog.media.resources import PictureFile
from microblog.media.shown import ShownPicture, ShownPictures, dump
from microblog.media.storage.interfaces import get_storage
from microblog.messages.models import Message, MessageThread
from microblog.messages.resources import Messages, Thread, ThreadMessage
from microblog.moderation.models import ReportCase
from microblog.moderation.resources import AuditPage, CasePage, PeoplePage, PersonPage, PostsPage, ReportsPage
from microblog.notifications.models import Notification, NotificationGroup
from microblog.notifications.resources import NotificationLine, Notifications, UnreadCount
from microblog.people import actions as people_actions
from microblog.people.resources import Avatar, BlockedPerson, Person, Users
from microblog.posts import queries as post_queries
from microblog.posts.resources import DeletedPost, PicturePage, PostPage, Posts, Versions
from microblog.profiling import profiles
from microblog.profiling.profiles import Profiled
from microblog.profiling.resources import ProfilePage, ProfilesPage
from microblog.profiling.settings import PROFILER_DIRECTORY
from microblog.profiling.thread_profile import ThreadProfile, build_statistics
from microblog.request import Request
from microblog.search.resources import Search
from microblog.security.identity import hash_token
from microblog.security.settings import SECRET
from microblog.tags.resources import Tag, Tags
from microblog.tree import Api, Root
from microblog.web.forms import FORM_KEY
from tests.conftest import TEST_SECRET, Application
from tests.walk import PASSWORD, flashes, token

ROLES = ("visitor", "other", "owner", "admin", "moderator")
PEOPLE = {"owner": "susan", "other": "john", "admin": "grace", "moderator": "maria"}
OTHER_METHODS = ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE")
POST_ID = 1_790_000_000_000 << 20
DELETED_ID = POST_ID + 1
PICTURE = "access_0123456789abcde-0.webp"
NOTIFICATION_ID = 12
REGISTRATION_ID = 13
CASE_ID = 14

Statuses = tuple[int, ...]  # of visitor, other, owner and admin; a moderator is like others, or like admins
EVERYBODY: Statuses = (200, 200, 200, 200)
NOBODY: Statuses = (404, 404, 404, 404)
# Who is not logged in is asked to, by a redirect.
LOGGED_IN: Statuses = (303, 200, 200, 200)
ADMIN: Statuses = (303, 403, 403, 200)
SENT_ON: Statuses = (303, 303, 303, 303)
# A visitor gets the log-in page, which carries the form.
SENT_BY_PEOPLE: Statuses = (403, 303, 303, 303)


@dataclass(frozen=True)
class Page:
    """A page's path, and what it answers to visitor, other, owner, admin; None: it knows no POST.

    A moderator gets what an admin gets from a page that is `for_moderators`, else what others get.
    """

    path: str
    get: Statuses
    post: Statuses | None = None
    fields: dict[str, str] = field(default_factory=dict)
    has_token: bool = True
    for_moderators: bool = False

    def __post_init__(self) -> None:
        alike = ROLES.index("admin" if self.for_moderators else "other")
        for name in ("get", "post"):
            statuses = getattr(self, name)
            if statuses is not None:
                object.__setattr__(self, name, (*statuses, statuses[alike]))

    @property
    def allow(self) -> str:
        return "GET, HEAD" if self.post is None else "GET, HEAD, POST"


PROFILED = Profiled("2026-11-22T18:30:00+00:00", "0123456789", "GET", "/", 200, "Root", "", 0.1, 1, ())
MAIL_ID = 1
LETTER = MailKind("letter", "nowhere", "Letters")
SIGNED = sign({SECRET: TEST_SECRET}, 1, LETTER.name)  # type: ignore[arg-type]
NO_TOKEN = "x" * 43
BY_ADMINS: Statuses = (403, 403, 403, 303)
NEW_PERSON = {"nickname": "newcomer", "email": "newcomer@example.com", "password": PASSWORD}
TABLE: dict[tuple[type, str], Page] = {
    (Api, ""): Page("/api/", EVERYBODY),
    (Root, ""): Page("/", EVERYBODY),
    (Root, "robots.txt"): Page("/robots.txt", EVERYBODY),
    (Root, "favicon.ico"): Page("/favicon.ico", EVERYBODY),
    (Root, "manifest.webmanifest"): Page("/manifest.webmanifest", EVERYBODY),
    # Which this site has not.
    (Root, "logo"): Page("/logo", NOBODY),
    (Root, "theme.css"): Page("/theme.css", NOBODY),
    (Root, "terms"): Page("/terms", NOBODY),
    (Root, "rules"): Page("/rules", NOBODY),
    (Root, "about"): Page("/about", EVERYBODY),
    (Root, "help"): Page("/help", EVERYBODY),
    (Root, "privacy"): Page("/privacy", EVERYBODY),
    (Root, "updates"): Page("/updates", EVERYBODY),
    (Root, "explore"): Page("/explore", EVERYBODY),
    (Tags, ""): Page("/tags/", EVERYBODY),
    (Tag, ""): Page("/tags/tea", EVERYBODY),
    (Tag, "follow"): Page("/tags/tea/follow", LOGGED_IN, SENT_BY_PEOPLE),
    (Tag, "unfollow"): Page("/tags/tea/unfollow", LOGGED_IN, SENT_BY_PEOPLE),
    (Search, ""): Page("/search", EVERYBODY),
    (Search, "help"): Page("/search/help", EVERYBODY),
    (Root, "register"): Page("/register", (200, 303, 303, 303), SENT_ON, NEW_PERSON),
    (Root, "login"): Page(
        "/login", (200, 303, 303, 303), SENT_ON, {"nickname": "susan", "password": PASSWORD}
    ),
    (Root, "check-mail"): Page("/check-mail", EVERYBODY),
    (ResetPassword, ""): Page("/reset-password", EVERYBODY, SENT_ON, {"email": "susan@example.com"}),
    (ResetLink, ""): Page(f"/reset-password/{NO_TOKEN}", NOBODY, NOBODY, {"password": PASSWORD}),
    (ConfirmLink, ""): Page(f"/confirm/{NO_TOKEN}", NOBODY, NOBODY),
    (NewAddressLink, ""): Page(f"/new-address/{NO_TOKEN}", NOBODY, NOBODY),
    (FormerAddressLink, ""): Page(f"/former-address/{NO_TOKEN}", NOBODY, NOBODY),
    (RegistrationsPage, ""): Page("/admin/registrations/", ADMIN),
    **{
        (RegistrationPage, name): Page(f"/admin/registrations/{REGISTRATION_ID}/{name}", ADMIN, BY_ADMINS)
        for name in ("approve", "refuse")
    },
    (InvitationsPage, ""): Page("/admin/invitations/", ADMIN, BY_ADMINS, {"uses": "1", "days": "7"}),
    (Account, "email"): Page(
        "/account/email", LOGGED_IN, SENT_BY_PEOPLE, {"email": "new@example.com", "password": PASSWORD}
    ),
    (Account, "confirm-address"): Page("/account/confirm-address", LOGGED_IN, SENT_BY_PEOPLE),
    # A mail program sends its form, which has neither a cookie nor a token.
    (Unsubscription, ""): Page(f"/unsubscribe/1.letter.{SIGNED}", EVERYBODY, EVERYBODY, has_token=False),
    (AuditPage, ""): Page("/admin/audit/", ADMIN, for_moderators=True),
    (PeoplePage, ""): Page("/admin/people/", ADMIN, for_moderators=True),
    (PersonPage, ""): Page("/admin/people/susan", ADMIN, for_moderators=True),
    **{
        (PersonPage, name): Page(
            f"/admin/people/susan/{name}", ADMIN, BY_ADMINS, {"reason": "Spam"}, for_moderators=True
        )
        for name in ("warn", "suspend", "end-sessions", "limit", "new-password", "delete", "note")
    },
    # Nobody ends what there is not, and removes pictures from whom has none.
    **{
        (PersonPage, name): Page(
            f"/admin/people/susan/{name}",
            (303, 403, 403, 409),
            (403, 403, 403, 409),
            {"reason": "Spam"},
            for_moderators=True,
        )
        for name in ("unsuspend", "unlimit", "remove-pictures")
    },
    (PostsPage, ""): Page(
        "/admin/posts/",
        ADMIN,
        BY_ADMINS,
        {"reason": "Spam", "post": str(POST_ID), "do": "hide"},
        for_moderators=True,
    ),
    (ReportsPage, ""): Page("/admin/reports/", ADMIN, for_moderators=True),
    (CasePage, ""): Page(f"/admin/reports/{CASE_ID}", ADMIN, BY_ADMINS, {"do": "claim"}, for_moderators=True),
    (PostPage, "moderate"): Page(f"/posts/{POST_ID}/moderate", (303, 403, 403, 303), for_moderators=True),
    # Nobody reports what is their own.
    (PostPage, "report"): Page(
        f"/posts/{POST_ID}/report", (303, 200, 403, 200), (403, 303, 403, 303), {"reason": "spam"}
    ),
    (Person, "report"): Page(
        "/users/susan/report", (303, 200, 403, 200), (403, 303, 403, 303), {"reason": "spam"}
    ),
    (PersonPage, "posts"): Page(
        "/admin/people/susan/posts",
        ADMIN,
        BY_ADMINS,
        {"reason": "Spam", "post": str(POST_ID), "do": "hide"},
        for_moderators=True,
    ),
    (MailsPage, ""): Page("/admin/mail/", ADMIN),
    (MailPage, ""): Page(f"/admin/mail/{MAIL_ID}", ADMIN),
    (MailPage, "retry"): Page(f"/admin/mail/{MAIL_ID}/retry", ADMIN, BY_ADMINS),
    (MailPage, "drop"): Page(f"/admin/mail/{MAIL_ID}/drop", ADMIN, BY_ADMINS),
    (Root, "preferences"): Page("/preferences", EVERYBODY, SENT_ON, {"language": "de"}),
    (Root, "logout"): Page("/logout", LOGGED_IN, SENT_ON),
    (Account, "profile"): Page("/account/profile", LOGGED_IN, SENT_BY_PEOPLE, {"nickname": "Renamed"}),
    (Account, ""): Page("/account/", LOGGED_IN),
    (Account, "password"): Page(
        "/account/password",
        LOGGED_IN,
        SENT_BY_PEOPLE,
        {"password": PASSWORD, "new_password": "another of four words"},
    ),
    (Account, "sessions"): Page("/account/sessions", LOGGED_IN, SENT_BY_PEOPLE),
    (Account, "delete"): Page("/account/delete", LOGGED_IN, (403, 303, 303, 422), {"password": PASSWORD}),
    (Users, ""): Page("/users/", EVERYBODY),
    (Person, ""): Page("/users/susan", EVERYBODY),
    (Person, "card"): Page("/users/susan/card", EVERYBODY),
    (Person, "followers"): Page("/users/susan/followers", EVERYBODY),
    (Person, "replies"): Page("/users/susan/replies", EVERYBODY),
    (Person, "mentions"): Page("/users/susan/mentions", (303, 403, 200, 403)),
    (Users, "by-beginning"): Page("/users/by-beginning?q=su", LOGGED_IN),
    (Person, "following"): Page("/users/susan/following", EVERYBODY),
    (Person, "follow"): Page("/users/susan/follow", (303, 200, 403, 200), (403, 303, 403, 303)),
    (Person, "unfollow"): Page("/users/susan/unfollow", (303, 200, 403, 200), (403, 303, 403, 303)),
    (Person, "mute"): Page("/users/susan/mute", (303, 200, 403, 200), (403, 303, 403, 303)),
    (Person, "unmute"): Page("/users/susan/unmute", (303, 200, 403, 200), (403, 303, 403, 303)),
    (Person, "block"): Page("/users/susan/block", (303, 200, 403, 200), (403, 303, 403, 303)),
    (Person, "unblock"): Page("/users/susan/unblock", (303, 200, 403, 200), (403, 303, 403, 303)),
    # She has blocked all the others.
    (BlockedPerson, ""): Page("/users/mallory", (200, 403, 403, 403)),
    (BlockedPerson, "block"): Page("/users/mallory/block", LOGGED_IN, SENT_BY_PEOPLE),
    (BlockedPerson, "unblock"): Page("/users/mallory/unblock", LOGGED_IN, SENT_BY_PEOPLE),
    (BlockedPerson, "report"): Page("/users/mallory/report", LOGGED_IN, SENT_BY_PEOPLE, {"reason": "spam"}),
    (Account, "blocks"): Page("/account/blocks", LOGGED_IN),
    (Account, "mutes"): Page("/account/mutes", LOGGED_IN),
    (Account, "privacy"): Page("/account/privacy", LOGGED_IN, SENT_BY_PEOPLE, {"is_listed": "y"}),
    (Account, "notices"): Page("/account/notices", LOGGED_IN, SENT_BY_PEOPLE),
    (Notifications, ""): Page("/notifications/", LOGGED_IN),
    (Notifications, "read"): Page("/notifications/read", LOGGED_IN, SENT_BY_PEOPLE),
    (UnreadCount, ""): Page("/notifications/count", LOGGED_IN),
    # Susan's: for the others there is no such thing.
    **{
        (NotificationLine, name): Page(
            f"/notifications/{NOTIFICATION_ID}/{name}", (303, 404, 200, 404), (403, 404, 303, 404)
        )
        for name in ("open", "read")
    },
    (Account, "filters"): Page("/account/filters", LOGGED_IN, SENT_BY_PEOPLE, {"words": "spoiler"}),
    (Account, "messages"): Page("/account/messages", LOGGED_IN, SENT_BY_PEOPLE, {"senders": "followed"}),
    # Each of them has a thread of their own at this address, and nobody else's.
    (Messages, ""): Page("/messages/", LOGGED_IN),
    (Thread, ""): Page("/messages/trudy", LOGGED_IN, SENT_BY_PEOPLE, {"message": "Hello"}),
    (Thread, "delete"): Page("/messages/trudy/delete", LOGGED_IN, SENT_BY_PEOPLE),
    (ThreadMessage, "delete"): Page(f"/messages/trudy/{POST_ID}/delete", LOGGED_IN, SENT_BY_PEOPLE),
    (Avatar, ""): Page("/avatars/0123456789abcdef.svg", EVERYBODY),
    (PictureFile, ""): Page(f"/media/{PICTURE}", EVERYBODY),
    (Posts, ""): Page("/posts/", (301, 200, 200, 200), SENT_BY_PEOPLE, {"body": "Hello"}),
    (PostPage, ""): Page(f"/posts/{POST_ID}", EVERYBODY),
    (PostPage, "replies"): Page(f"/posts/{POST_ID}/replies", SENT_ON, SENT_BY_PEOPLE, {"body": "Hello"}),
    (DeletedPost, ""): Page(f"/posts/{DELETED_ID}", (410,) * 4),
    (DeletedPost, "replies"): Page(
        f"/posts/{DELETED_ID}/replies", (303, 410, 410, 410), (403, 409, 409, 409), {"body": "Hello"}
    ),
    # Nobody has chosen a translator, so there is none; visitors are refused before that is known.
    (PostPage, "translate"): Page(f"/posts/{POST_ID}/translate", (404,) * 4, (403, 404, 404, 404)),
    # By POST a refusal is a redirect too, with a message on the page that follows.
    (PostPage, "delete"): Page(f"/posts/{POST_ID}/delete", (303, 403, 200, 403), SENT_BY_PEOPLE),
    (PostPage, "language"): Page(
        f"/posts/{POST_ID}/language", (303, 403, 200, 403), (403, 403, 303, 403), {"language": "de"}
    ),
    (PostPage, "edit"): Page(
        f"/posts/{POST_ID}/edit", (303, 403, 200, 403), (403, 403, 303, 403), {"body": "New", "version": "1"}
    ),
    # It is published long since.
    (PostPage, "undo"): Page(f"/posts/{POST_ID}/undo", (303, 403, 303, 403), (403, 403, 303, 403)),
    (Versions, ""): Page(f"/posts/{POST_ID}/versions/", EVERYBODY),
    (PicturePage, ""): Page(f"/posts/{POST_ID}/pictures/1", EVERYBODY),
    **{
        (PostPage, name): Page(f"/posts/{POST_ID}/{name}", LOGGED_IN, SENT_BY_PEOPLE)
        for name in ("like", "unlike", "boost", "unboost", "bookmark", "unbookmark")
    },
    (PostPage, "likes"): Page(f"/posts/{POST_ID}/likes", EVERYBODY),
    (PostPage, "boosts"): Page(f"/posts/{POST_ID}/boosts", EVERYBODY),
    (Account, "likes"): Page("/account/likes", LOGGED_IN),
    (Account, "bookmarks"): Page("/account/bookmarks", LOGGED_IN),
    (Health, "live"): Page("/health/live", EVERYBODY),
    (Health, "ready"): Page("/health/ready", EVERYBODY),
    (Admin, ""): Page("/admin/", ADMIN, for_moderators=True),
    (ProfilesPage, ""): Page("/admin/profiles/", ADMIN),
    (ProfilePage, ""): Page(f"/admin/profiles/{PROFILED.name}", ADMIN),
    (ProfilePage, "download"): Page(f"/admin/profiles/{PROFILED.name}/download", ADMIN),
}
PAGES = [pytest.param(page, id=page.path) for page in TABLE.values()]
PRIVATE = [
    pytest.param(page, id=page.path)
    for page in TABLE.values()
    if page.get[0] == 303 and 200 in page.get and page.path != "/logout"
]
FORMS = [pytest.param(page, id=page.path) for page in TABLE.values() if page.post]
PROTECTED = [pytest.param(page, id=page.path) for page in TABLE.values() if page.post and page.has_token]
SHOWN_FORMS = [
    pytest.param(page, id=page.path)
    for page in TABLE.values()
    if page.post and page.has_token and 200 in page.get
]


@cache
def password_hash() -> str:
    return passwords.hash_password(PASSWORD)


@pytest.fixture
def site(application: Application, monkeypatch: pytest.MonkeyPatch) -> Application:
    """Susan with a post, john, and an administrator, each with a session called as they are; a profile, a
    mail and a picture."""
    monkeypatch.setitem(application.registry.mail_kinds, LETTER.name, LETTER)
    get_storage(application.registry).put(PICTURE, b"a picture")
    profile = ThreadProfile()
    profile.enable()
    profiles.write(
        application.registry.microblog[PROFILER_DIRECTORY], PROFILED, build_statistics(profile), keep=100
    )
    with application.database.write() as session:
        mallory, trudy = (account_queries.add_user(session, name) for name in ("mallory", "trudy"))
        for nickname in PEOPLE.values():
            user_id = account_queries.add_user(
                session,
                nickname,
                email=f"{nickname}@example.com",
                password_hash=password_hash(),
                is_admin=nickname == PEOPLE["admin"],
            )
            account_queries.set_moderator(session, user_id, is_moderator=nickname == PEOPLE["moderator"])
            mark_unconfirmed(session, user_id)
            account_queries.start_session(session, user_id, hash_token(nickname), timedelta(hours=1))
            people_actions.block(session, mallory, user_id)
            thread = {"owner_id": user_id, "id": POST_ID, "person_id": trudy, "last_id": POST_ID}
            session.execute(sa.insert(MessageThread).values(thread))
            message = {"id": POST_ID, "is_mine": False, "message_text": "Hello"}
            session.execute(sa.insert(Message).values(owner_id=user_id, thread_id=POST_ID, **message))
            if nickname == PEOPLE["owner"]:
                post = {"id": POST_ID, "user_id": user_id, "body": "Mine", "language": None}
                post["pictures"] = dump(ShownPictures((ShownPicture("A" * 22, 4, 3, "#ffffff"),)))
                post_queries.add_posts(session, [post, {**post, "id": DELETED_ID}])
                post_queries.delete_post(session, DELETED_ID)
                tell(session, user_id, POST_ID)
        waits: dict[str, Any] = {
            "nickname": "walter",
            "nickname_key": "walter",
            "email": "w@x.org",
            "email_key": "w@x.org",
        }
        waits |= {"password_hash": "", "is_confirmed": True, "language": "en", "asked": datetime.now(UTC)}
        session.execute(sa.insert(Registration).values(id=REGISTRATION_ID, **waits))
        session.add(ReportCase(id=CASE_ID, subject=f"person:{trudy}", person_id=trudy, text=""))
        texts = {"message_id": "<1@x>", "subject": "Hello", "text": "Hello", "html": "Hello"}
        texts |= {"kind": LETTER.name, "cause": "1", "address": "susan@example.com"}
        mail_queries.add_mail(session, id=MAIL_ID, user_id=user_id, is_own_address=False, **texts)
    return application


def test_the_table_of_the_documentation_says_what_moderators_see():
    text = (Path(__file__).parents[2] / "docs" / "moderation.md").read_text(encoding="utf-8")
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if "/admin/" in line
    ]
    table = [row for row in rows if len(row) == 4]
    pages = {
        page.path.split("/")[2]: page.for_moderators for page in TABLE.values() if "/admin/" in page.path
    }
    documented = {
        row[1].strip("`").split("/")[2]: row[2] == "yes" for row in table if row[0][:7] != "do that"
    }
    assert documented == {name: seen for name, seen in pages.items() if name}
    assert {row[3] for row in table} == {"yes"}


def tell(session: orm.Session, user_id: int, post_id: int) -> None:
    """A notification; who did it is of no matter here, so it is the recipient."""
    values = {"user_id": user_id, "kind": "like", "cause": post_id, "post_id": post_id, "day": 0}
    session.execute(sa.insert(NotificationGroup).values(id=NOTIFICATION_ID, latest=1, **values))
    session.execute(sa.insert(Notification).values(group_id=NOTIFICATION_ID, actor_id=user_id, id=1))


def browser_of(site: Application, role: str) -> TestApp:
    browser = site.browser()
    if role != "visitor":
        browser.set_cookie("session", PEOPLE[role])
    return browser


def form_token(browser: TestApp, role: str) -> str:
    return token(browser, "/login" if role == "visitor" else "/logout")


def page_views(application: Application) -> list[dict[str, object]]:
    """Every view that stands at a URL; views of exceptions and of static files do not."""
    views = (item["introspectable"] for item in application.registry.introspector.get_category("views"))
    return [
        view
        for view in views
        if isinstance(view["context"], type) and not issubclass(view["context"], BaseException)
    ]


def test_the_table_names_every_view_and_its_methods(application):
    found: dict[object, set[str]] = {}
    for view in page_views(application):
        methods = view["request_methods"]
        assert isinstance(methods, tuple), f"A view that does not name its methods: {view}"
        found.setdefault((view["context"], view["name"]), set()).update(methods)
    assert found == {key: {"GET"} if page.post is None else {"GET", "POST"} for key, page in TABLE.items()}


def test_every_view_is_in_one_wing_and_asks_for_a_permission(application):
    for item in application.registry.introspector.get_category("views"):
        view = item["introspectable"]
        if view not in page_views(application):
            continue
        assert (view.get("page"), view.get("api")) in [(True, None), (None, True)], view
        permissions = [other["value"] for other in item["related"] if other.category_name == "permissions"]
        known = ("view", "moderate", "report", "edit", "follow", "mention", "see_own", "write", "delete")
        assert permissions in [[permission] for permission in (*known, NO_PERMISSION_REQUIRED)], view


@pytest.mark.parametrize("page", PAGES)
def test_a_page_answers_each_role_and_each_method_as_the_table_says(site, page):
    """By GET, HEAD and what it does not know: these change nothing, so one site is enough."""
    browsers = [browser_of(site, role) for role in ROLES]
    assert tuple(browser.get(page.path, status="*").status_int for browser in browsers) == page.get
    heads = [browser.head(page.path, status="*") for browser in browsers]
    assert tuple(answer.status_int for answer in heads) == page.get
    assert [answer.body for answer in heads] == [b""] * len(ROLES)
    methods = OTHER_METHODS if page.post else ("POST", *OTHER_METHODS)
    fields = {**page.fields, "csrf_token": form_token(browsers[ROLES.index("owner")], "owner")}
    for method in methods:
        if method == "POST":
            response = browsers[ROLES.index("owner")].post(page.path, fields, status=405)
        else:
            response = browsers[ROLES.index("owner")].request(page.path, method=method, status=405)
        assert response.headers["Allow"] == page.allow, method
        assert "cannot be opened in this way" in response.text


@pytest.mark.parametrize("page", PRIVATE)
def test_a_private_page_is_kept_by_nobody_and_nothing_is_shown_after_logging_out(site, page):
    """FOUNDATION 6, line 23: no-store and Vary: Cookie on each page that not everybody sees."""
    browser = browser_of(site, ROLES[page.get.index(200)])
    shown = browser.get(page.path, status=200)
    may_be_asked_again = page.path == "/notifications/count"  # by a 304: it has a number and no more
    assert shown.headers["Cache-Control"] == ("private, no-cache" if may_be_asked_again else "no-store")
    assert "Cookie" in (shown.vary or ())
    browser.get("/logout").forms["logout-form"].submit(status=303)
    same = {"If-None-Match": shown.headers["ETag"]} if may_be_asked_again else {}
    after = browser.get(page.path, headers=same, status=303)
    assert str(after.location).startswith("http://localhost/login?next=")
    assert "susan" not in after.follow().html.select("main")[0].get_text()


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("page", FORMS)
def test_each_role_may_send_what_the_table_says(site, page, role):
    browser = browser_of(site, role)
    fields = {**page.fields, "csrf_token": form_token(browser, role)}
    assert browser.post(page.path, fields, status="*").status_int == page.post[ROLES.index(role)]


@pytest.mark.parametrize("page", PROTECTED)
def test_a_form_without_its_token_does_nothing(site, page):
    browser = browser_of(site, "owner")
    response = browser.post(page.path, page.fields, status=400)
    assert "nothing was done" in response.html.select(".sentence, .flash")[0].text
    assert "Set-Cookie" not in response.headers


def forms_of(answer: TestResponse) -> dict[str, Form]:
    """Those that are sent by POST, by where they are sent to."""
    return {form.action: form for form in answer.forms.values() if form.method.upper() == "POST"}


@pytest.mark.parametrize("page", SHOWN_FORMS)
def test_every_form_that_may_not_be_sent_is_shown_again(site, page):
    """To a person who may send it, at its own address, like the page of a GET (submissions/)."""
    answers = [browser_of(site, role).post(page.path, page.fields, status=400) for role in ROLES]
    forms = [forms[page.path] for forms in map(forms_of, answers) if page.path in forms]
    assert forms
    for name, value in page.fields.items():
        if all(len(form.fields[name]) > 1 for form in forms):  # several buttons of one name
            buttons: list[Any] = [button for form in forms for button in form.fields[name]]
            assert value in {button._value for button in buttons}
            continue
        assert {form[name].value for form in forms} == {"" if "password" in name else value}


@pytest.mark.parametrize("page", PAGES)
def test_every_form_of_every_page_has_a_token_and_a_key(site, page):
    for role in ROLES:
        for answer in (
            browser_of(site, role).get(page.path, status="*"),
            browser_of(site, role).post(page.path, page.fields, status="*"),
        ):
            if answer.content_type == "text/html":
                for action, form in forms_of(answer).items():
                    assert FORM_KEY.fullmatch(form["key"].value), action
                    assert form["csrf_token"].value, action


def test_every_form_in_a_template_begins_with_what_all_forms_have():
    """Also one on a page that no test opens."""
    templates = Path(microblog.__file__).parent.rglob("*.jinja2")
    forms = [
        (template.name, form)
        for template in templates
        for form in re.findall(r"<form\b.*?</form>", template.read_text(), re.DOTALL)
        if re.search(r"""method=["']?post""", form, re.IGNORECASE)
    ]
    assert len(forms) >= 8
    assert [name for name, form in forms if "token() }}" not in form] == []


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/users/nobody",
        "/users/susan/nothing",
        "/users/susan/followers/more",
        "/explore/more",
        "/posts/1",
        f"/posts/{POST_ID}/delete/more",
        "/account/nothing",
        "/messages/nobody",
        "/messages/trudy/1/delete",
    ],
)
def test_no_method_makes_a_page_of_nothing(site, path):
    browser = browser_of(site, "owner")
    for method in ("GET", "HEAD", *OTHER_METHODS):
        response = browser.request(path, method=method, status=404)
        assert "Allow" not in response.headers, method


@pytest.mark.parametrize("role", ["visitor", "other", "admin"])
def test_only_the_owner_sees_the_link_that_deletes(site, role):
    for path in ("/explore", "/users/susan", f"/posts/{POST_ID}"):
        assert browser_of(site, "owner").get(path).html.select(".post-delete"), path
        assert not browser_of(site, role).get(path).html.select(".post-delete"), path


@pytest.mark.parametrize(
    "path",
    ["/account/profile", "/users/susan/follow", "/users/susan/unfollow", f"/posts/{POST_ID}/delete"],
)
def test_a_visitor_who_may_not_is_asked_to_log_in_and_comes_back(site, path):
    response = site.browser().get(path, status=303).follow()
    form = response.forms["login-form"]
    form["nickname"], form["password"] = "john", PASSWORD
    assert form.submit(status=303).location == f"http://localhost{path}"


def test_a_forbidden_request_changes_nothing(site):
    """Nobody but its author can delete a post."""
    for role in ("visitor", "other", "admin"):
        browser = browser_of(site, role)
        fields = {"csrf_token": form_token(browser, role)}
        browser.post(f"/posts/{POST_ID}/delete", fields, status=403 if role == "visitor" else 303)
        assert browser.get(f"/posts/{POST_ID}").status_int == 200


def test_an_administrator_deletes_nobodys_post_by_the_page(site):
    browser = browser_of(site, "admin")
    response = browser.post(f"/posts/{POST_ID}/delete", {"csrf_token": form_token(browser, "admin")})
    assert flashes(response.follow()) == ["You cannot delete this post."]


def test_the_policy_names_a_person_by_id_and_sets_no_cookie_itself(site):
    """What Pyramid and its add-ons ask for; our own code asks for `request.identity`."""
    request = Request.blank("/", headers={"Cookie": f"session={PEOPLE['owner']}"})
    request.registry = site.registry
    apply_request_extensions(request)
    assert request.authenticated_userid == str(request.identity.id)
    assert remember(request, "1") == forget(request) == []
    visitor = Request.blank("/")
    visitor.registry = site.registry
    apply_request_extensions(visitor)
    assert visitor.authenticated_userid is None
