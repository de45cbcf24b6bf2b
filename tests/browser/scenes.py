"""Every page in every state that it can be in: what the checks of accessibility and HTML look at.

A `Scene` is a page after somebody came there. `fill` makes the people and posts that they need; the
empty scenes need an empty database.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from playwright.sync_api import FilePayload, Page, Response

from microblog.accounts.by_mail import queries
from microblog.accounts.by_mail.queries import SignUp
from microblog.accounts.models import User
from microblog.accounts.new_address.queries import add_former, put_change
from microblog.accounts.passwords import hash_password
from microblog.accounts.queries import Profile, add_user, change_profile, find_owner_id, start_session
from microblog.accounts.registrations.queries import add_invitation, add_registration
from microblog.accounts.rules import tidy_display_name
from microblog.accounts.settings import REGISTRATION
from microblog.ids import get_now, new_id_at
from microblog.mail.actions import write_mail
from microblog.mail.links import make_unsubscribe_token
from microblog.mail.queries import DROPPED, REFUSED, SENT, WAITING, finish
from microblog.media import plans
from microblog.media.actions import attach
from microblog.media.shown import ShownPictures, dump
from microblog.messages.actions import choose_senders
from microblog.messages.actions import write as write_message
from microblog.messages.queries import get_thread
from microblog.moderation.report_actions import Complaint, report
from microblog.moderation.report_queries import Subject, open_case
from microblog.notifications.queries import list_notifications
from microblog.paging import Cursor
from microblog.people.actions import block, follow, mute
from microblog.posts.actions import edit, keep_mentions, write
from microblog.posts.queries import add_posts, delete_post
from microblog.profiling.profiles import HEADER, sign_pattern
from microblog.profiling.settings import PROFILER, PROFILER_DIRECTORY
from microblog.reactions.actions import bookmark, boost, like
from microblog.request import MAX_BODY
from microblog.security.identity import hash_token
from microblog.security.settings import SECRET
from microblog.tags.actions import follow_tag
from microblog.tags.queries import TagOfTheWeek, add_tags, replace_tags_of_the_week
from microblog.translation.settings import TRANSLATOR
from microblog.web.pages import PAGE_SIZE
from tests.conftest import Application
from tests.pictures import keep_pictures, paint
from tests.portraits import give_portrait
from tests.walk import PASSWORD

# A page of posts is full with six, and a request too large with six thousand bytes.
SETTINGS = {
    PAGE_SIZE.key: "6",
    MAX_BODY.key: "6000",
    TRANSLATOR.key: "tests.contract.shouting.Shouting",
    "pyramid.includes": "tests.plugins.letters",  # mails that people may switch off
}
CLOSED = {REGISTRATION.key: "false"}

WIDEST = "W" * 30  # the widest nickname there is
NEWCOMER = "nobody.yet"
ADMIN = "grace"
LONG_WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 3
LONG_ADDRESS = "https://example.org/" + "a-very-long-path-without-any-end/" * 6 + "?" + "q=0123456789&" * 4
DIGITS = "\n".join(sha256(bytes([line])).hexdigest() for line in range(40))  # which cannot be said shorter
ARABIC = "صباح الخير. القطار متأخر، والمحطة هادئة."
EDITED = (
    "Things to bring:\n\n  – a torch\n  – three apples\n  – a rope\n  – a friend\n\nand nothing else.",
    "Things to bring, please:\n\n  – a torch\n  – three apples\n  – a friend\n\nand nothing else at all.",
)
EDITED_ARABIC = ("صباح النور. القطار متأخر اليوم، والمحطة هادئة.",)
NOT_THERE = 999

POSTS = (
    ("susan", "The kettle sings before it boils. Nobody taught it, and nobody can make it stop.", "en"),
    ("ada", "@susan mine hums. It is a matter of the lid, I think: https://example.org/kettles", "en"),
    (WIDEST, f"{LONG_WORD}\n\n{LONG_ADDRESS}", "de"),
    ("ada", "Hoy he plantado un limonero. Mañana empezaré a esperar limones.", "es"),
    ("susan", "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich.", "de"),
    ("ada", ARABIC, "ar"),
    (
        "susan",
        "Things to bring:\n\n  – a torch\n  – two apples\n  – a rope\n\nand nothing else.",
        "en",
    ),
    ("ada", "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 é ñ", None),
    ("nils", "A first green #tea of the year. #شاي", "en"),
    ("nils", "@ada and @susan: the walk is on Sunday, from the old bridge, at ten.", "en"),
    ("susan", "x", None),
    (WIDEST, "W" * 280, None),
    ("ada", "<b>Bold</b> claims & “quotes” are only letters here.", "en"),
    ("susan", "Rain on the roof, green tea in the cup.", "en"),
)
MESSAGES = (
    ("susan", f"{LONG_WORD} {LONG_ADDRESS}"),
    ("ada", ARABIC),
    ("susan", "First line\nsecond line, @nils"),
    *(("ada" if number % 2 else "susan", f"And {number} more") for number in range(7)),
    ("ada", "Would you mind bringing the kettle on Sunday? " * 4),
)
ABOUT = {
    "susan": "I write about kettles and the sea.\nhttps://example.org/susan",
    "ada": "أكتب عن القطارات والأشجار.",
    WIDEST: LONG_WORD[:140],
}
PICTURES = (
    ("Four walks, and the sun was always there.", "en", (f"Hills by the sea. {LONG_WORD}", "", ARABIC, "")),
    ("", None, ("What nobody has to see.",)),
)
DISPLAY_NAMES = {
    "susan": "Susan 🫖 Kramer",
    "ada": "أدا لوفلايس",
    WIDEST: "山" * 60,
    "nils": "N" + "̀" * 15 + "ils",  # as tall as a name can be
    "reader1": "Łukasz Żółć",
    "reader2": "เด็กหญิงน้ำฝน",
    "reader3": "W" * 60,
    "reader4": "👩🏾‍👨🏾‍👧🏾‍👧🏾" * 20,
}
FOLLOWS = (
    ("susan", "ada"),
    ("susan", WIDEST),
    ("ada", "susan"),
    (WIDEST, "susan"),
    *((f"reader{number}", "susan") for number in range(8)),
)
# Who has an avatar or a header of their own; the others have a pattern.
PORTRAITS = (
    ("susan", plans.AVATAR),
    ("susan", plans.HEADER),
    ("nils", plans.AVATAR),
    ("reader1", plans.HEADER),
)
PEOPLE = ("susan", "ada", WIDEST, "nils", NEWCOMER, *(f"reader{number}" for number in range(8)))


@dataclass(frozen=True)
class Filled:
    """The ids of posts that addresses need; `to_delete` is susan's too, and `in_spanish` ada's.

    `reply` answers `deleted`, which is gone. `edited` is susan's, and `edited_arabic` ada's;
    `waiting` is ada's, and not published yet. `reset`, `confirm` and `unsubscribe` are what links in mails to
    reader0 end with, `new_address` and `former_address` in those to reader1. `notification` is susan's,
    `abandoned` her thread with a deleted account, and `message` one of ada to her. `pictured` and `sensitive`
    are posts of nils with pictures.
    """

    by_susan: int
    by_ada: int
    to_delete: int
    in_spanish: int
    reply: int
    deleted: int
    edited: int
    edited_arabic: int
    waiting: int
    reset: str
    confirm: str
    unsubscribe: str
    new_address: str
    former_address: str
    notification: int
    abandoned: int
    message: int
    pictured: int
    sensitive: int


def fill(application: Application) -> Filled:
    """People who follow each other, and their posts of the last two weeks."""
    now = datetime.now(UTC)
    password_hash = hash_password(PASSWORD)
    with application.database.write() as session:
        ids = {
            name: add_user(session, name, email=f"{name}@example.org", password_hash=password_hash)
            for name in PEOPLE
        }
        for name in ABOUT.keys() | DISPLAY_NAMES.keys():
            profile = Profile(name, tidy_display_name(DISPLAY_NAMES.get(name)), ABOUT.get(name, ""))
            change_profile(session, ids[name], profile)
        for follower, followed in FOLLOWS:
            follow(session, ids[follower], ids[followed])
        ids_of_posts = [new_id_at(now - timedelta(hours=3) * age**2) for age in range(len(POSTS))]
        add_posts(
            session,
            [
                {"id": post_id, "user_id": ids[author], "body": body, "language": language}
                for post_id, (author, body, language) in zip(ids_of_posts, POSTS, strict=True)
            ],
        )
        add_tags(session, dict(zip(ids_of_posts, (body for _, body, _ in POSTS), strict=True)))
        replace_tags_of_the_week(session, [TagOfTheWeek("tea", 3), TagOfTheWeek("شاي", 1)])
        follow_tag(session, ids["susan"], "tea")
        keep_mentions(session, dict(zip(ids_of_posts, (body for _, body, _ in POSTS), strict=True)))
    newest = {author: post_id for post_id, (author, _, _) in sorted(zip(ids_of_posts, POSTS, strict=True))}
    deleted = new_id_at(now - timedelta(days=40))
    reply = new_id_at(now - timedelta(days=39))
    with application.database.write() as session:
        add_posts(session, [{"id": deleted, "user_id": ids["nils"], "body": "Oh", "language": None}])
        for number, (author, answered, body) in enumerate(
            [("ada", deleted, "What do you mean?"), ("nils", newest["susan"], "Mine whistles.")]
            + [("ada", newest["susan"], f"And what about the lid, then? I wonder, {n}.") for n in range(7)]
        ):
            post_id = reply if number == 0 else new_id_at(now - timedelta(days=30 - number))
            answers = {"reply_to": answered, "thread": answered, "reply_to_author": ids["susan"]}
            row = {"id": post_id, "user_id": ids[author], "body": body, "language": "en"}
            add_posts(session, [{**row, **answers}])
        delete_post(session, deleted)
    languages = [language for _, _, language in POSTS]
    edited = {
        "edited": next(number for number, (_, body, _) in enumerate(POSTS) if body.startswith("Things")),
        "edited_arabic": languages.index("ar"),
    }
    edited = {name: ids_of_posts[number] for name, number in edited.items()}
    with application.database.write() as session:
        for name, author, language, bodies in (
            ("edited", "susan", "en", EDITED),
            ("edited_arabic", "ada", "ar", EDITED_ARABIC),
        ):
            for version, body in enumerate(bodies, 1):
                edit(session, edited[name], ids[author], body, language=language, version=version)
        later = get_now() + 3_600_000
        waiting = write(session, ids["ada"], "The kettle has a lid.", language="en", publish_at=later)
    react(application, ids, ids_of_posts)
    for name, purpose in PORTRAITS:
        give_portrait(application, ids[name], purpose)
    abandoned, message = exchange_messages(application, ids)
    with application.database.write() as session:
        block(session, ids["susan"], ids["reader6"])
        mute(session, ids["susan"], ids["reader7"])
        queries.mark_unconfirmed(session, ids["reader0"])
        links = {
            purpose: str(queries.add_token(session, purpose, ids["reader0"], timedelta(days=1)))
            for purpose in (queries.RESET, queries.CONFIRM)
        }
        new_address = put_change(session, ids["reader1"], "new@example.org", timedelta(days=1))
        former_address = add_former(session, ids["reader1"], "former@example.org", timedelta(days=1))
        write(session, ids["ada"], ARABIC, language="ar", reply_to=newest["susan"])
        notification = list_notifications(session, ids["susan"], Cursor(), 1)[0].id
    return Filled(
        newest["susan"],
        newest["ada"],
        to_delete=min(ids_of_posts),
        in_spanish=ids_of_posts[languages.index("es")],
        reply=reply,
        deleted=deleted,
        edited=edited["edited"],
        edited_arabic=edited["edited_arabic"],
        waiting=waiting,
        reset=links[queries.RESET],
        confirm=links[queries.CONFIRM],
        unsubscribe=make_unsubscribe_token(application.registry.microblog, ids["reader0"], "follow"),
        new_address=new_address,
        former_address=former_address,
        notification=notification,
        abandoned=abandoned,
        message=message,
        **dict(zip(("pictured", "sensitive"), add_pictures(application, ids["nils"]), strict=True)),
    )


def add_pictures(application: Application, user_id: int) -> list[int]:
    """Old posts of somebody with pictures, some of them without a text."""
    posts = []
    for number, (body, language, texts) in enumerate(PICTURES):
        pictures = ShownPictures(tuple(keep_pictures(application, user_id, texts)), is_sensitive=number == 1)
        post_id = new_id_at(datetime.now(UTC) - timedelta(days=50 + number))
        row = {"id": post_id, "user_id": user_id, "body": body, "language": language}
        with application.database.write() as session:
            add_posts(session, [{**row, "pictures": dump(pictures)}])
            attach(session, user_id, post_id, [each.name for each in pictures.pictures])
        posts.append(post_id)
    return posts


def exchange_messages(application: Application, ids: dict[str, int]) -> tuple[int, int]:
    """Susan with everybody, with ada most, and with somebody whose account is gone; see `Filled`."""
    with application.database.write() as session:
        gone = add_user(session, "gone")
        write_message(session, gone, ids["susan"], "Good bye, and thank you for the kettle.")
        thread = get_thread(session, ids["susan"], gone)
        assert thread is not None
        session.delete(session.get(User, gone))
        for name in PEOPLE:
            if name not in ("susan", NEWCOMER):
                write_message(session, ids[name], ids["susan"], f"Hello from {name}")
        for author, body in MESSAGES:
            recipient = "ada" if author == "susan" else "susan"
            message = write_message(session, ids[author], ids[recipient], body)
        choose_senders(session, ids["reader1"], "nobody")
    return thread.id, message


def react(application: Application, ids: dict[str, int], posts: list[int]) -> None:
    """People like, boost and bookmark the newest posts: each what stands so many places further."""
    with application.database.write() as session:
        for number, user_id in enumerate(ids.values()):
            for place, post_id in enumerate(posts[:12]):
                if (number + place) % 3 == 0:
                    like(session, user_id, post_id)
                if (number + place) % 5 == 0:
                    boost(session, user_id, post_id)
                if (number + place) % 4 == 0:
                    bookmark(session, user_id, post_id)


@dataclass(frozen=True)
class FilledProfiles:
    """The name of the profile of susan's home page, and the ids of a refused mail, of somebody who waits for
    an admin, and of what was reported."""

    profile: str
    mail: int
    registration: int
    case: int
    reported: int


def profile_settings(folder: Path) -> dict[str, str]:
    """Of an application that profiles on demand, and keeps profiles in this folder."""
    return {PROFILER.key: "on_demand", PROFILER_DIRECTORY.key: str(folder)}


def fill_profiles(application: Application) -> FilledProfiles:
    """After `fill`: an admin, and profiles of requests that are not the first, which is slower."""
    with application.database.write() as session:
        add_user(session, ADMIN, is_admin=True)
        owner = find_owner_id(session, "susan")
        assert owner is not None
        start_session(session, owner, hash_token("susan"), timedelta(hours=1))
    until = int((datetime.now(UTC) + timedelta(minutes=1)).timestamp())
    headers = {HEADER: sign_pattern(application.registry.microblog[SECRET], "/*", until)}
    browser = application.browser()
    browser.set_cookie("session", "susan")
    for path in ("/explore", "/nowhere", f"/users/{WIDEST}/followers", "/search?q=green+tea", "/"):
        browser.get(path, status="*")
        answer = browser.get(path, headers=headers, status="*")
    with application.database.write() as session:
        waits = SignUp("walter", f"{LONG_WORD}@example.org", "")
        registration = add_registration(session, waits, language="en", is_confirmed=False)
        add_invitation(session, 3, timedelta(days=7))
    case, reported = add_report(application, owner)
    mail = add_mails(application, owner)
    return FilledProfiles(str(answer.headers[HEADER]), mail, registration, case, reported)


def add_report(application: Application, reporter_id: int) -> tuple[int, int]:
    """The ids of a case with two reports, and of the post that they are about."""
    with application.database.write() as session:
        author = find_owner_id(session, WIDEST)
        assert author is not None
        link = "https://example.com/shop?" + "x" * 60
        post_id = write(session, author, f"{LONG_WORD} {link}")
        subject = Subject(f"post:{post_id}", author, post_id, f"{LONG_WORD} {link}")
        for reason, note, user_id in (("spam", "رسالة مزعجة " * 20, reporter_id), (LONG_WORD, "", author)):
            report(session, user_id, subject, Complaint(reason, note, wants_answer=True))
        case_id = open_case(session, subject)
    return case_id, post_id


def add_mails(application: Application, user_id: int) -> int:
    """One in each state; returns the id of the one that was refused."""
    refused = 0
    with application.database.write() as session:
        for state in (WAITING, SENT, DROPPED, REFUSED):
            values = {"nickname": "susan"}
            mail_id = write_mail(session, kind="taken", user_id=user_id, values=values, cause=state)
            assert mail_id is not None
            if state != WAITING:
                finish(session, [mail_id], state, f"250 An answer of {LONG_WORD}")
            refused = mail_id
    return refused


# So that there is an answer to look at.
SEND_AS_PAGES = """() => {
    for (const name of ['data-swap', 'data-swap-around'])
        for (const form of document.querySelectorAll(`[${name}]`)) form.removeAttribute(name);
}"""


WITHOUT_SENDING_AT_ONCE = """() => {
    const field = document.getElementById('compose-form-pictures');
    field.replaceWith(field.cloneNode());
}"""


@dataclass(frozen=True)
class Scene:
    """`person`, or a visitor, opens `path` ({by_susan}, … are posts) and does `act` there, which
    ends on another page, and `then` on that one. The page that is then shown has `status`."""

    name: str
    path: str
    person: str | None = None
    act: Callable[[Page], None] | None = None
    status: int = 200
    then: Callable[[Page], None] | None = None

    def play(self, page: Page, filled: Filled | FilledProfiles | None = None) -> Response:
        """Be there; the answer that made the page."""
        path = self.path.format(**vars(filled)) if filled else self.path
        response = page.goto(path)
        for act in filter(None, (self.act, self.then)):
            page.evaluate(SEND_AS_PAGES)
            with page.expect_navigation() as navigation:
                act(page)
            response = navigation.value
        assert response is not None
        assert response.status == self.status, f"{self.name}: {response.status}"
        return response


# What is done on a page


def press(button: str) -> Callable[[Page], None]:
    return lambda page: page.get_by_role("main").get_by_role("button", name=button, exact=True).first.click()


def fill_in(button: str, **fields: str) -> Callable[[Page], None]:
    """Type into the fields of these labels (`About_me` for “About me”), and press the button."""

    def act(page: Page) -> None:
        for label, text in fields.items():
            page.get_by_label(label.replace("_", " ")).fill(text)
        press(button)(page)

    return act


def post(text: str) -> Callable[[Page], None]:
    return fill_in("Post", What_is_on_your_mind=text)


def reply_with(text: str) -> Callable[[Page], None]:
    return fill_in("Reply", Your_reply=text)


def add_picture(page: Page) -> None:
    """Choose a file, and send it as without script."""
    page.evaluate(WITHOUT_SENDING_AT_ONCE)
    file: FilePayload = {"name": "hills.jpg", "mimeType": "image/jpeg", "buffer": paint(5, (400, 300))}
    page.locator("#compose-form-pictures").set_input_files(file)
    page.evaluate("document.forms['compose-form'].requestSubmit(document.querySelector('[name=add]'))")


def save_in_the_second_tab(page: Page) -> None:
    page.evaluate("document.querySelector('#edit-form [name=version]').value = '0'")
    fill_in("Save", The_text_of_the_post="Things to bring: a torch, four apples, and a rope.")(page)


def post_without_cookies(page: Page) -> None:
    """As after a night: the form's token belongs to a session that is over."""
    page.context.clear_cookies(name="visitor")
    page.get_by_label("Nickname").fill("still_here")
    page.get_by_label("E-mail").fill("still@example.org")
    page.get_by_label("Password").fill("correct horse battery")
    press("Sign up")(page)


def logged_out(act: Callable[[Page], None]) -> Callable[[Page], None]:
    """As after a night: who it was is forgotten."""

    def then(page: Page) -> None:
        page.context.clear_cookies(name="session")
        act(page)

    return then


def log_in_as(person: str, password: str = PASSWORD) -> Callable[[Page], None]:
    return fill_in("Log in", Nickname_or=person, Password=password)


def post_with_an_old_token(text: str) -> Callable[[Page], None]:
    """As from a page that was opened before the log-in of another tab."""

    def act(page: Page) -> None:
        page.evaluate("document.querySelector('#compose-form [name=csrf_token]').value = 'old'")
        post(text)(page)

    return act


def post_beside_another_draft(page: Page) -> None:
    """The server gives one text back, and the tab keeps another one."""
    page.evaluate(
        """(text) => {
            const draft = {form: '/posts/', key: 'another', text, sent: null};
            sessionStorage.setItem(`drafts of ${document.body.dataset.person}`, JSON.stringify([draft]));
            document.querySelector('#compose-form [name=csrf_token]').value = 'old';
        }""",
        LONG_WORD,
    )
    post("The kettle sings before it boils.")(page)


def post_to_a_page_that_only_shows(page: Page) -> None:
    page.evaluate("document.querySelector('#compose-form').action = '/explore'")
    post("Hello")(page)


def delete_what_is_not_there(page: Page) -> None:
    page.evaluate(f"document.querySelector('#delete-form').action = '/posts/{NOT_THERE}/delete'")
    press("Delete")(page)


# One after the other they are played in one browser too (test_html.py), so logging out comes last.
SCENES = (
    # Visitors
    Scene("front page", "/"),
    Scene("explore", "/explore"),
    Scene("explore, last page", "/explore?after=1"),
    Scene("explore, before the first post", "/explore?before=1"),
    Scene("tags", "/tags/"),
    Scene("tag", "/tags/tea"),
    Scene("tag of no post", "/tags/nothing"),
    Scene("people", "/users/"),
    Scene("people found", "/users/?q=reader"),
    Scene("people not found", "/users/?q=zzz"),
    Scene("profile", "/users/susan"),
    Scene("profile with nothing", f"/users/{NEWCOMER}"),
    Scene("profile with a header alone", "/users/reader1"),
    Scene("profile with an avatar alone", "/users/nils"),
    Scene("widest profile", f"/users/{WIDEST}"),
    Scene("followers", "/users/susan/followers"),
    Scene("following", "/users/susan/following"),
    Scene("no followers", f"/users/{NEWCOMER}/followers"),
    Scene("following nobody", f"/users/{NEWCOMER}/following"),
    Scene("post", "/posts/{by_ada}"),
    Scene("post with pictures", "/posts/{pictured}"),
    Scene("post with a sensitive picture", "/posts/{sensitive}"),
    Scene("picture", "/posts/{pictured}/pictures/1"),
    Scene("picture without a text", "/posts/{pictured}/pictures/2"),
    Scene("translation, for a visitor", "/posts/{in_spanish}/translate"),
    Scene("search", "/search"),
    Scene("posts and people found", "/search?q=susan"),
    Scene("posts found", "/search?q=green+tea"),
    Scene("posts found by relevance", "/search?q=green+tea&by=relevance"),
    Scene("nothing found", "/search?q=zzz"),
    Scene("search too long", f"/search?q={'long+' * 120}", status=422),
    Scene("search for a long word", f"/search?q={LONG_WORD}"),
    Scene("search with remarks", "/search?q=green+from:nobodyhere+before:banana+-lang:es+%22never+closed"),
    Scene("search with remarks only", "/search?q=*+before:banana"),
    Scene("how to search", "/search/help"),
    Scene("register", "/register?next=/explore"),
    Scene(
        "register refused",
        "/register",
        act=fill_in("Sign up", Nickname="susan", **{"E-mail": "a@b"}, Password="short"),
        status=422,
    ),
    Scene("look into your mail", "/check-mail"),
    Scene("forgotten password", "/reset-password"),
    Scene(
        "forgotten password refused",
        "/reset-password",
        act=fill_in("Mail me the link", **{"E-mail": "a@b"}),
        status=422,
    ),
    Scene("new password", "/reset-password/{reset}"),
    Scene(
        "new password refused",
        "/reset-password/{reset}",
        act=fill_in("Set the password", New_password="password1"),
        status=422,
    ),
    Scene("link that is used up", f"/confirm/{'x' * 43}", status=404),
    Scene("confirm an address", "/confirm/{confirm}"),
    Scene("address not confirmed", "/account/confirm-address", "reader0"),
    Scene("address confirmed", "/account/confirm-address", "susan"),
    Scene("e-mail address", "/account/email", "susan"),
    Scene("another e-mail address on its way", "/account/email", "reader1"),
    Scene(
        "another e-mail address refused",
        "/account/email",
        "susan",
        act=fill_in("Mail me the link", **{"New_e-mail": "a@b", "Present_password": "wrong"}),
        status=422,
    ),
    Scene("new e-mail address", "/new-address/{new_address}"),
    Scene("former e-mail address", "/former-address/{former_address}"),
    Scene("no more mails of a kind", "/unsubscribe/{unsubscribe}"),
    Scene(
        "mails switched off",
        "/unsubscribe/{unsubscribe}",
        act=press("Get no such mails any more"),
    ),
    Scene("register, form too old", "/register", act=post_without_cookies, status=400),
    Scene("login", "/login"),
    Scene(
        "login refused",
        "/login",
        act=fill_in("Log in", Nickname_or="susan", Password="wrong password"),
        status=422,
    ),
    Scene("preferences", "/preferences"),
    Scene("about", "/about"),
    Scene("help", "/help"),
    Scene("privacy", "/privacy"),
    Scene("no terms", "/terms", status=404),
    Scene("no rules", "/rules", status=404),
    Scene("not found", "/nowhere", status=404),
    Scene("bad request", "/explore?before=abc", status=400),
    # Somebody who is logged in
    Scene("home", "/", "susan"),
    Scene("home, older posts", "/?before={by_ada}", "susan"),
    Scene("home, before the first post", "/?before=1", "susan"),
    Scene("home with nothing", "/", NEWCOMER),
    Scene("home after posting", "/", "susan", act=post("A new one")),
    Scene("pictures are added", "/", "susan", act=add_picture),
    Scene("post refused as blank", "/", "susan", act=post(" "), status=422),
    Scene("post refused as too long", "/", "susan", act=post(LONG_WORD * 2), status=422),
    Scene(
        "message too large",
        "/messages/nils",
        "susan",
        act=fill_in("Send", Your_message="x" * 7000),
        status=413,
    ),
    Scene("method not allowed", "/", "susan", act=post_to_a_page_that_only_shows, status=405),
    Scene("explore, logged in", "/explore", "susan"),
    Scene("mentions", "/users/susan/mentions", "susan"),
    Scene("tags that somebody follows", "/tags/", "susan"),
    Scene("tag, logged in", "/tags/tea", "susan"),
    Scene("follow a tag", "/tags/spring/follow", "susan"),
    Scene("unfollow a tag", "/tags/tea/unfollow", "susan"),
    Scene("no mentions", "/users/nils/mentions", "nils"),
    Scene("people, logged in", "/users/", "susan"),
    Scene("own profile", "/users/susan", "susan"),
    Scene("own profile with nothing", f"/users/{NEWCOMER}", NEWCOMER),
    Scene("profile of somebody followed", "/users/ada", "susan"),
    Scene("profile after following", "/users/nils", "susan", act=press("Follow")),
    Scene("own followers", "/users/susan/followers", "susan"),
    Scene("own followers, none", f"/users/{NEWCOMER}/followers", NEWCOMER),
    Scene("own following, none", f"/users/{NEWCOMER}/following", NEWCOMER),
    Scene("follow?", "/users/nils/follow", "susan"),
    Scene("unfollow?", "/users/ada/unfollow", "susan"),
    *(Scene(f"{name}?", f"/users/nils/{name}", "susan") for name in ("block", "unblock", "mute", "unmute")),
    Scene("somebody blocked", "/users/reader6", "susan", status=403),
    Scene("somebody who has blocked one", "/users/susan", "reader6", status=403),
    Scene("block them, too?", "/users/susan/block", "reader6"),
    Scene("unblock somebody blocked?", "/users/reader6/unblock", "susan"),
    Scene("post of somebody blocked", "/posts/{by_susan}", "reader6", status=403),
    Scene("somebody muted", "/users/reader7", "susan"),
    Scene("blocked people", "/account/blocks", "susan"),
    Scene("nobody blocked", "/account/blocks", "nils"),
    Scene("muted people", "/account/mutes", "susan"),
    Scene("nobody muted", "/account/mutes", "nils"),
    Scene("notifications", "/notifications/", "susan"),
    Scene("notifications, older ones", "/notifications/?before=9", "susan"),
    Scene("no notifications", "/notifications/", NEWCOMER),
    Scene("mark all notifications?", "/notifications/read", "susan"),
    Scene("open a notification?", "/notifications/{notification}/open", "susan"),
    Scene("mark a notification?", "/notifications/{notification}/read", "susan"),
    Scene("a notification is marked", "/notifications/", "susan", act=press("Mark as read")),
    Scene("all notifications are marked", "/notifications/", "ada", act=press("Mark all as read")),
    Scene("notices", "/account/notices", "susan"),
    Scene("notices saved", "/account/notices", "susan", act=press("Save")),
    Scene("filters", "/account/filters", "susan"),
    Scene("filters saved", "/account/filters", "susan", act=fill_in("Save", Words_to_mute="tea")),
    Scene(
        "filters refused",
        "/account/filters",
        "susan",
        act=fill_in("Save", Words_to_mute="x" * 61),
        status=422,
    ),
    Scene("messages", "/messages/", "susan"),
    Scene("no messages", "/messages/", NEWCOMER),
    Scene("thread", "/messages/ada", "susan"),
    Scene("older messages of a thread", "/messages/ada?before={message}", "susan"),
    Scene("thread without messages", "/messages/susan", NEWCOMER),
    Scene("thread with somebody blocked", "/messages/reader6", "susan"),
    Scene("thread with somebody muted", "/messages/reader7", "susan"),
    Scene("thread with a deleted account", "/messages/deleted-{abandoned}", "susan"),
    Scene("thread with somebody who wants no messages", "/messages/reader1", "nils"),
    Scene("after sending a message", "/messages/nils", "susan", act=fill_in("Send", Your_message="Hello")),
    Scene(
        "message refused", "/messages/nils", "susan", act=fill_in("Send", Your_message="x" * 2001), status=422
    ),
    Scene("messages with oneself", "/messages/susan", "susan", status=403),
    Scene("delete a message?", "/messages/ada/{message}/delete", "susan"),
    Scene("delete a thread?", "/messages/ada/delete", "susan"),
    Scene("who may write", "/account/messages", "susan"),
    Scene("who may write, saved", "/account/messages", "susan", act=press("Save")),
    Scene("own post", "/posts/{by_susan}", "susan"),
    Scene("own post, later replies", "/posts/{by_susan}?after={reply}", "susan"),
    Scene("a reply", "/posts/{reply}", "susan"),
    Scene("deleted post with a reply", "/posts/{deleted}", "susan", status=410),
    Scene("address of the replies", "/posts/{by_ada}/replies", "susan"),
    Scene("replies of a deleted post", "/posts/{deleted}/replies", "susan", status=410),
    Scene("after replying", "/posts/{by_ada}", "susan", act=reply_with("Of course")),
    Scene("reply refused", "/posts/{by_ada}", "susan", act=reply_with(" "), status=422),
    Scene("posts and replies", "/users/ada/replies", "susan"),
    Scene("translate?", "/posts/{in_spanish}/translate", "susan"),
    Scene("translated", "/posts/{in_spanish}/translate", "susan", act=press("Translate into English")),
    Scene("delete?", "/posts/{by_susan}/delete", "susan"),
    Scene("home after deleting", "/posts/{to_delete}/delete", "susan", act=press("Delete")),
    Scene("refused with an error", "/posts/{by_susan}/delete", "susan", act=delete_what_is_not_there),
    Scene("who likes a post", "/posts/{by_susan}/likes", "susan"),
    Scene("who boosts a post", "/posts/{by_susan}/boosts", "susan"),
    Scene("nobody likes a post", "/posts/{reply}/likes"),
    Scene("own likes", "/account/likes", "susan"),
    Scene("own bookmarks", "/account/bookmarks", "susan"),
    Scene("no bookmarks", "/account/bookmarks", NEWCOMER),
    *(
        Scene(f"{name}?", f"/posts/{{by_ada}}/{name}", "susan")
        for name in ("like", "unlike", "boost", "unboost", "bookmark", "unbookmark")
    ),
    Scene("after liking", "/posts/{by_ada}/like", "susan", act=press("Like")),
    Scene("language of a post", "/posts/{by_susan}/language", "susan"),
    Scene("take a post back?", "/posts/{waiting}/undo", "ada"),
    Scene("own post that waits", "/posts/{waiting}", "ada"),
    Scene("after taking a post back", "/posts/{waiting}/undo", "ada", act=press("Undo")),
    Scene("edit a post", "/posts/{edited}/edit", "susan"),
    Scene(
        "edit refused",
        "/posts/{edited}/edit",
        "susan",
        act=fill_in("Save", The_text_of_the_post=" "),
        status=422,
    ),
    Scene("edited in two tabs", "/posts/{edited}/edit", "susan", act=save_in_the_second_tab, status=409),
    Scene("edit another's", "/posts/{by_ada}/edit", "susan", status=403),
    Scene("own edited post", "/posts/{edited}", "susan"),
    Scene("versions of a post", "/posts/{edited}/versions/", "susan"),
    Scene("versions in Arabic", "/posts/{edited_arabic}/versions/"),
    Scene("delete another's", "/posts/{by_ada}/delete", "susan", status=403),
    Scene("post not found", f"/posts/{NOT_THERE}", "susan", status=404),
    Scene("search, logged in", "/search?q=ada", "susan"),
    Scene("preferences, logged in", "/preferences", "susan"),
    Scene("edit profile", "/account/profile", "susan"),
    Scene("account", "/account/", "susan"),
    Scene("who finds you", "/account/privacy", "susan"),
    Scene("password", "/account/password", "susan"),
    Scene(
        "password refused",
        "/account/password",
        "susan",
        act=fill_in("Save", Present_password="wrong", New_password="wrong"),
        status=422,
    ),
    Scene("sessions", "/account/sessions", "susan"),
    Scene("delete account", "/account/delete", "susan"),
    Scene(
        "delete account refused",
        "/account/delete",
        "susan",
        act=fill_in("Delete your account", Present_password="wrong"),
        status=422,
    ),
    Scene(
        "edit profile refused",
        "/account/profile",
        "susan",
        act=fill_in("Save", Nickname="ada", About_me=LONG_WORD),
        status=422,
    ),
    Scene("post shown again, form too old", "/", "susan", act=post_with_an_old_token(ARABIC), status=400),
    Scene("post shown again beside another draft", "/", "susan", act=post_beside_another_draft, status=400),
    # Somebody whose session has ended; another person each time
    Scene("login, carrying a post", "/", "nils", act=logged_out(post("A first green tea.")), status=400),
    Scene("login, too long to be carried", "/", WIDEST, act=logged_out(post(DIGITS)), status=400),
    Scene("login, to be asked again", "/users/ada", "reader0", act=logged_out(press("Follow")), status=400),
    Scene(
        "login refused, carrying a post",
        "/",
        "reader1",
        act=logged_out(post("A second green tea.")),
        then=log_in_as("reader1", "wrong password"),
        status=422,
    ),
    Scene(
        "login as somebody else than who wrote",
        "/",
        "reader5",
        act=logged_out(post("A third green tea.")),
        then=log_in_as("reader1"),
        status=422,
    ),
    Scene(
        "post shown again after the login",
        "/",
        "reader2",
        act=logged_out(post(f"{ARABIC}\n{LONG_WORD}")),
        then=log_in_as("reader2"),
    ),
    Scene(
        "profile shown again after the login",
        "/account/profile",
        "reader3",
        act=logged_out(fill_in("Save", Nickname="reader3", About_me=ARABIC)),
        then=log_in_as("reader3"),
    ),
    Scene(
        "button shown again after the login",
        "/users/ada",
        "reader4",
        act=logged_out(press("Follow")),
        then=log_in_as("reader4"),
    ),
    Scene("log out?", "/logout", "susan"),
    Scene("front page after logging out", "/logout", "susan", act=press("Log out")),
)

EMPTY_SCENES = (
    Scene("empty front page", "/"),
    Scene("empty explore", "/explore"),
    Scene("empty people", "/users/"),
    Scene("search in nothing", "/search?q=word"),
)

CLOSED_SCENES = (
    Scene("front page, closed", "/"),
    Scene("register, closed", "/register", status=403),
    Scene("login, closed", "/login"),
)

# Of an application with `profile_settings`, after `fill` and `fill_profiles`.
PROFILE_SCENES = (
    Scene("profiles", "/admin/profiles/", ADMIN),
    Scene("profiles before the first", "/admin/profiles/?before=0", ADMIN),
    Scene("one profile", "/admin/profiles/{profile}", ADMIN),
    Scene("one profile by name", "/admin/profiles/{profile}?sort=name", ADMIN),
    Scene("pages for admins", "/admin/", ADMIN),
    Scene("mails", "/admin/mail/", ADMIN),
    Scene("mails that were dropped", "/admin/mail/?state=dropped", ADMIN),
    Scene("one mail", "/admin/mail/{mail}", ADMIN),
    Scene("mail to try again", "/admin/mail/{mail}/retry", ADMIN),
    Scene("mail to drop", "/admin/mail/{mail}/drop", ADMIN),
    Scene("people who wait", "/admin/registrations/", ADMIN),
    Scene("approve somebody?", "/admin/registrations/{registration}/approve", ADMIN),
    Scene("refuse somebody?", "/admin/registrations/{registration}/refuse", ADMIN),
    Scene("invitations", "/admin/invitations/", ADMIN),
    Scene("all people", "/admin/people/", ADMIN),
    Scene("nobody who is suspended", "/admin/people/?state=suspended", ADMIN),
    Scene("one person, for moderators", "/admin/people/susan", ADMIN),
    Scene("suspend somebody?", "/admin/people/susan/suspend", ADMIN),
    Scene("posts of one person, for moderators", "/admin/people/susan/posts", ADMIN),
    Scene("warn somebody?", "/admin/people/susan/warn", ADMIN),
    Scene("end the sessions of somebody?", "/admin/people/susan/end-sessions", ADMIN),
    Scene("ask somebody for a new password?", "/admin/people/susan/new-password", ADMIN),
    Scene("no pictures to remove", "/admin/people/reader6/remove-pictures", ADMIN, status=409),
    Scene("in lists already", "/admin/people/susan/unlimit", ADMIN, status=409),
    Scene("not suspended", "/admin/people/susan/unsuspend", ADMIN, status=409),
    Scene("moderate a post", "/posts/{reported}/moderate", ADMIN),
    Scene("report somebody blocked", "/users/reader6/report", "susan"),
    Scene("take somebody out of lists?", "/admin/people/susan/limit", ADMIN),
    Scene("delete somebody?", "/admin/people/susan/delete", ADMIN),
    Scene("a note about somebody", "/admin/people/susan/note", ADMIN),
    Scene("nobody who is new", "/admin/people/?state=reported", ADMIN),
    Scene("posts with a link", "/admin/posts/?link=example.com", ADMIN),
    Scene("no posts with a link", "/admin/posts/?link=nowhere.example", ADMIN),
    Scene("reports", "/admin/reports/", ADMIN),
    Scene("no closed reports", "/admin/reports/?state=closed", ADMIN),
    Scene("one case", "/admin/reports/{case}", ADMIN),
    Scene("report a person", "/users/susan/report", ADMIN),
    Scene("report a post", "/posts/{reported}/report", ADMIN),
    Scene("nothing was done yet", "/admin/audit/", ADMIN),
    Scene("profiles, not an admin", "/admin/profiles/", "susan", status=403),
)


def names(scenes: tuple[Scene, ...]) -> list[str]:
    """For pytest's ids."""
    return [scene.name for scene in scenes]
