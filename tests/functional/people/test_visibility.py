"""Every list of the tree obeys blocks and mutes, and shows nothing of somebody who has deleted their account:
one that is added later fails here until it does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from microblog.accounts import actions as accounts
from microblog.accounts.by_mail.resources import ConfirmLink, ResetLink, ResetPassword
from microblog.accounts.new_address.resources import FormerAddressLink, NewAddressLink
from microblog.accounts.queries import add_user
from microblog.accounts.registrations.resources import (
    InvitationsPage,
    RegistrationPage,
    RegistrationsPage,
)
from microblog.accounts.resources import Account
from microblog.mail.resources import MailPage, MailsPage, Unsubscription
from microblog.messages.resources import Messages, Thread, ThreadMessage
from microblog.moderation.resources import AuditPage, CasePage, PeoplePage, PersonPage, PostsPage, ReportsPage
from microblog.moderation.views import DEEDS
from microblog.notifications.resources import NotificationLine, Notifications, UnreadCount
from microblog.people.actions import block, follow, mute
from microblog.people.resources import BlockedPerson, Person, Users
from microblog.posts.actions import write
from microblog.posts.models import Post
from microblog.posts.resources import DeletedPost, PicturePage, PostPage, Posts, Versions
from microblog.reactions.actions import bookmark, boost, like
from microblog.search.resources import Search
from microblog.tags.resources import Tag, Tags
from microblog.tree import Root
from tests.walk import enter

# What `mallory` has written, and what only her pages would show. Each page is opened with the ids of posts.
HIDDEN = ("mallory", "malicious")
LISTS: dict[tuple[type, str], tuple[str, ...]] = {
    (Root, ""): ("/",),
    (Root, "explore"): ("/explore", "/explore?lang=de"),
    (Root, "updates"): ("/updates?after={before}", "/updates?after={before}&timeline=home"),
    (Search, ""): (
        "/search?q=tag:tag",
        *("/search?q=malicious", "/search?q=malicious&by=relevance", "/search?q=mallory"),
        "/search?q=from:mallory",
    ),
    (Users, ""): ("/users/", "/users/?q=mallory", "/users/?q=mal"),
    (Users, "by-beginning"): ("/users/by-beginning?q=mal", "/users/by-beginning?q="),
    (Person, ""): ("/users/john", "/users/susan"),
    (Person, "replies"): ("/users/john/replies", "/users/susan/replies"),
    (Person, "followers"): ("/users/john/followers",),
    (Person, "following"): ("/users/john/following",),
    (Person, "mentions"): ("/users/susan/mentions",),
    (Tag, ""): ("/tags/tag",),
    (PostPage, ""): ("/posts/{john}", "/posts/{reply_of_john}"),
    (DeletedPost, ""): ("/posts/{deleted}",),
    (PostPage, "likes"): ("/posts/{john}/likes",),
    (PostPage, "boosts"): ("/posts/{john}/boosts",),
    (Account, "likes"): ("/account/likes",),
    (Account, "bookmarks"): ("/account/bookmarks",),
    (Versions, ""): ("/posts/{john}/versions/",),
    (Notifications, ""): ("/notifications/",),
}
# Pages of the hidden person herself, and lists of people, are there for who has muted her.
OF_PEOPLE = {(Users, ""), (Users, "by-beginning"), (Person, "followers"), (Person, "following")}
CHOSEN = {(Account, "likes"), (Account, "bookmarks")}  # what the reader has kept is not hidden by muting
ABOVE_A_REPLY = "/posts/{reply_of_john}"  # which one has opened to see what it answers
# Pages without a list of what others write or are: forms and confirmations about one post or one person,
# which a block refuses as a whole, and pages about the site or about oneself.
NO_LISTS: set[tuple[type, str]] = {
    (PicturePage, ""),
    *((Root, name) for name in ("register", "login", "logout", "preferences", "about", "help", "privacy")),
    *((Root, name) for name in ("terms", "rules", "manifest.webmanifest", "theme.css", "logo", "robots.txt")),
    (Root, "favicon.ico"),
    (Root, "check-mail"),
    *((ResetPassword, ""), (ResetLink, ""), (ConfirmLink, ""), (Unsubscription, "")),
    (Account, "confirm-address"),
    *((RegistrationsPage, ""), (RegistrationPage, "approve"), (RegistrationPage, "refuse")),
    (InvitationsPage, ""),
    *((NewAddressLink, ""), (FormerAddressLink, ""), (Account, "email")),
    (Search, "help"),
    *(
        (Account, name)
        for name in ("", "privacy", "profile", "password", "sessions", "delete", "blocks", "mutes", "filters")
    ),
    # Moderators see everybody.
    *((page, "") for page in (AuditPage, PeoplePage, PostsPage, ReportsPage, CasePage)),
    *((PersonPage, name) for name in ("", "posts", *DEEDS)),
    *((PostPage, "moderate"), (PostPage, "report"), (Person, "report"), (BlockedPerson, "report")),
    *((MailsPage, ""), *((MailPage, name) for name in ("", "retry", "drop"))),
    *((Person, name) for name in ("card", "follow", "unfollow", "block", "unblock", "mute", "unmute")),
    *((BlockedPerson, name) for name in ("", "block", "unblock")),
    (Posts, ""),
    (Account, "notices"),
    (Notifications, "read"),
    (UnreadCount, ""),  # tests/functional/notifications
    *((NotificationLine, name) for name in ("open", "read")),
    *((Tags, ""), (Tag, "follow"), (Tag, "unfollow")),
    *((PostPage, name) for name in ("replies", "delete", "translate", "language", "edit")),
    *((PostPage, name) for name in ("like", "unlike", "boost", "unboost", "bookmark", "unbookmark", "undo")),
    (DeletedPost, "replies"),
    # Who was blocked can still be read in a private thread (tests/functional/messages).
    *((Messages, ""), (Thread, ""), (Thread, "delete"), (ThreadMessage, "delete"), (Account, "messages")),
}
OF_OPERATORS = {"admin", "api", "health", "metrics", "profiling"}


def list_pages(registry: Any) -> set[tuple[type, str]]:
    """The pages of people, not those of operators."""
    found = set()
    for item in registry.introspector.get_category("views"):
        view = item["introspectable"]
        is_page = isinstance(view["context"], type) and not issubclass(view["context"], BaseException)
        if is_page and view.get("page") and view["callable"].__module__.split(".")[1] not in OF_OPERATORS:
            found.add((view["context"], view["name"]))
    return found


def test_every_page_is_a_list_that_is_opened_here_or_none(application):
    known = set(LISTS) | NO_LISTS
    pictures = ("Avatar", "PictureFile")
    pages = {page for page in list_pages(application.registry) if page[0].__name__ not in pictures}
    assert pages - known == set(), "Add the page to LISTS if it shows posts or people, else to NO_LISTS."
    assert known - pages == set()


@dataclass
class Site:
    browser: Any
    susan: int
    mallory: int
    ids: dict[str, int]


@pytest.fixture
def site(browser, database) -> Site:
    """Susan and mallory follow each other, and write in each other's threads; john knows both."""
    susan = enter(browser, "susan")
    with database.write() as session:
        john, mallory = add_user(session, "john"), add_user(session, "mallory")
        for one, other in ((susan, mallory), (susan, john), (john, mallory)):
            follow(session, one, other)
            follow(session, other, one)
        ids = {"deleted": write(session, john, "gone")}
        ids["before"] = ids["deleted"]
        ids["john"] = write(session, john, "A post of john")
        ids["own"] = write(session, susan, "A post of susan")
        ids["malicious"] = write(session, mallory, "malicious #tag @susan", language="de")
        for post in (ids["deleted"], ids["john"], ids["own"], ids["malicious"]):
            write(session, mallory, "malicious reply", language="de", reply_to=post)
            for react in (like, boost):
                react(session, mallory, post)
        ids["reply_of_john"] = write(session, john, "An answer", reply_to=ids["malicious"])
        boost(session, john, ids["malicious"])
        for react in (like, boost, bookmark):
            react(session, susan, ids["malicious"])
        session.delete(session.get(Post, ids["deleted"]))
    return Site(browser, susan, mallory, ids)


def open_list(site: Site, path: str) -> str:
    """What the page shows, without the search that it repeats."""
    page = site.browser.get(path.format(**site.ids), status="*")
    if page.content_type == "application/json":
        return page.text
    for field in page.html.select("input, title, .empty, .notice, [role=search]"):
        field.decompose()
    return page.html.select_one("main").decode()


def find_hidden(text: str) -> list[str]:
    return [word for word in HIDDEN if word in text]


PATHS = [pytest.param(key, path, id=path) for key, paths in LISTS.items() for path in paths]


@pytest.mark.parametrize(("key", "path"), PATHS)
def test_a_list_shows_nothing_of_somebody_whom_the_reader_has_blocked(site, database, key, path):
    """FOUNDATION 6, line 33: timelines, search, threads, notifications and every other list."""
    with database.write() as session:
        block(session, site.susan, site.mallory)
    assert find_hidden(open_list(site, path)) == []


@pytest.mark.parametrize(("key", "path"), PATHS)
def test_a_list_shows_nothing_of_somebody_who_has_blocked_the_reader(site, database, key, path):
    """FOUNDATION 6, line 33, the other way round."""
    with database.write() as session:
        block(session, site.mallory, site.susan)
    assert find_hidden(open_list(site, path)) == []


OF_POSTS = [each for each in PATHS if each.values[0] not in OF_PEOPLE | CHOSEN and each.id != ABOVE_A_REPLY]


@pytest.mark.parametrize(("key", "path"), OF_POSTS)
def test_a_list_shows_no_post_of_somebody_whom_the_reader_has_muted(site, database, key, path):
    with database.write() as session:
        mute(session, site.susan, site.mallory)
    assert "malicious" not in open_list(site, path)


@pytest.mark.parametrize(("key", "path"), PATHS)
def test_a_list_shows_nothing_of_somebody_who_is_gone(site, database, key, path):
    with database.write() as session:
        go(session, site.susan, site.mallory)
    shown = open_list(site, path).replace("Nobody here is called <bdi>mallory</bdi>", "")
    assert find_hidden(shown) == []


@pytest.mark.parametrize("path", ["/account/blocks", "/account/mutes"])
@pytest.mark.parametrize("hide", [block, mute])
def test_somebody_who_is_gone_is_not_among_those_who_are_blocked_or_muted(site, database, hide, path):
    with database.write() as session:
        hide(session, site.susan, site.mallory)
        go(session, site.susan, site.mallory)
    page = site.browser.get(path)
    assert find_hidden(page.text) == []
    assert not page.html.select("main a[href^='/users/'], main form[action^='/users/']")


def go(session: Any, susan: int, mallory: int) -> None:
    accounts.leave(session, mallory, days=0)
    assert accounts.go(session, mallory)


def test_without_them_the_same_lists_show_what_she_has_written(site):
    shown = {path for _, paths in LISTS.items() for path in paths if find_hidden(open_list(site, path))}
    assert shown >= {"/", "/explore", "/search?q=malicious", "/posts/{john}", "/posts/{deleted}"}


@pytest.mark.parametrize("hide", [block, mute, go])
def test_posts_of_somebody_who_is_not_seen_are_not_counted(site, database, hide):
    """FOUNDATION 6, line 33: nor do numbers tell of them."""
    updates = "/updates?after={before}", "/updates?after={before}&timeline=home"
    before = [count_new(site, path) for path in updates]
    with database.write() as session:
        hide(session, site.susan, site.mallory)
    # Left are the posts of john and of susan, and at home no answer to mallory.
    assert ([count_new(site, path) for path in updates], before) == ([3, 2], [8, 8])


def count_new(site: Site, path: str) -> int:
    return int(site.browser.get(path.format(**site.ids)).json["count"])
