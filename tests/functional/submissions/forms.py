"""The forms of people who are logged in, and the ways in which a session ends while one is filled in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from webtest import TestApp, TestResponse

from microblog.accounts import passwords, queries
from microblog.accounts.models import LoginSession, User
from microblog.db import Database
from microblog.people.models import Follow
from microblog.posts.models import Post
from microblog.submissions.models import FormResult, KeptForm
from tests.conftest import Application
from tests.walk import PASSWORD

NEW_PASSWORD = "another horse, another staple"
TEXT = "First line, with <b>&amp;\nsecond line, שלום and 👩‍👩‍👧 and مرحبا"


@dataclass(frozen=True)
class Filled:
    """A form, where it is, what is typed into it, and where it is shown again; `done` is what it changes."""

    path: str
    id: str
    done: Callable[[dict[str, Any]], bool]
    fields: dict[str, str] = field(default_factory=dict)

    def open(self, browser: TestApp) -> Any:
        form = browser.get(self.path).forms[self.id]
        for name, value in self.fields.items():
            form[name] = value
        return form

    def is_filled(self, page: TestResponse) -> bool:
        return all(page.forms[self.id][name].value == value for name, value in self.fields.items())


# Susan is logged in, has a post, and follows grace; john is somebody else.
FORMS = {
    "post": Filled("/", "compose-form", lambda site: TEXT in site["posts"], {"body": TEXT}),
    "profile": Filled(
        "/account/profile",
        "profile-form",
        lambda site: ("Suzanne", TEXT) in site["people"],
        {"nickname": "Suzanne", "about_me": TEXT},
    ),
    "follow": Filled("/users/john", "follow-form", lambda site: ("susan", "john") in site["follows"]),
    "unfollow": Filled("/users/grace", "follow-form", lambda site: not site["follows"]),
    "delete": Filled("/posts/{mine}/delete", "delete-form", lambda site: not site["posts"]),
}


def state(database: Database) -> dict[str, Any]:
    """What forms change."""
    follower, followee = sa.orm.aliased(User), sa.orm.aliased(User)
    with database.read() as session:
        follows = (
            sa.select(follower.nickname, followee.nickname)
            .select_from(Follow)
            .join(follower, follower.id == Follow.follower_id)
            .join(followee, followee.id == Follow.followee_id)
        )
        return {
            "posts": sorted(session.scalars(sa.select(Post.body))),
            "people": sorted(
                (name, about or "")
                for name, about in session.execute(sa.select(User.nickname, User.about_me))
            ),
            "follows": sorted((one, other) for one, other in session.execute(follows)),
        }


def number_of(database: Database, model: type[KeptForm] | type[FormResult] | type[LoginSession]) -> int:
    with database.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(model)) or 0


def user_id(database: Database, nickname: str) -> int:
    with database.read() as session:
        return session.scalars(sa.select(User.id).where(User.nickname == nickname)).one()


def change_password(database: Database, nickname: str, password: str = NEW_PASSWORD) -> None:
    """As `microblog user password` does."""
    fresh, person = passwords.hash_password(password), user_id(database, nickname)
    with database.write() as session:
        queries.set_password(session, person, fresh)


def same_browser(application: Application, browser: TestApp) -> TestApp:
    """Another window of it: with the present cookies."""
    other = application.browser()
    for name, value in browser.cookies.items():
        other.set_cookie(name, value)
    return other


def log_out_elsewhere(application: Application, browser: TestApp, clock: Any) -> None:
    same_browser(application, browser).get("/logout").forms["logout-form"].submit(status=303)


def log_out_in_another_tab(application: Application, browser: TestApp, clock: Any) -> None:
    browser.get("/logout").forms["logout-form"].submit(status=303).follow()


def wait_too_long(application: Application, browser: TestApp, clock: Any) -> None:
    clock.shift(timedelta(days=1))


def set_another_password(application: Application, browser: TestApp, clock: Any) -> None:
    change_password(application.database, "susan")


def delete_the_session(application: Application, browser: TestApp, clock: Any) -> None:
    with application.database.write() as session:
        session.execute(sa.delete(LoginSession))


ENDS = [
    log_out_elsewhere,
    log_out_in_another_tab,
    wait_too_long,
    set_another_password,
    delete_the_session,
]


def password_after(end: Any) -> str:
    return NEW_PASSWORD if end is set_another_password else PASSWORD


def log_in_on(page: TestResponse, nickname: str = "susan", password: str = PASSWORD, **more: Any) -> Any:
    """Send the log-in form of this page."""
    form = page.forms["login-form"]
    form["nickname"], form["password"] = nickname, password
    return form.submit(**more)
