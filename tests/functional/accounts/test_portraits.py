"""The avatar and the header of a person: chosen, shown and removed in the form of their profile."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from webtest import Upload

from microblog.accounts import actions
from microblog.accounts.events import ProfileChanged
from microblog.accounts.models import User
from microblog.accounts.portraits import CHANGED, GONE, NO_ROOM
from microblog.db import StaleData
from microblog.media import actions as media
from microblog.media.models import Picture, PictureFilesToDelete
from microblog.media.plans import AVATAR, HEADER, POST
from microblog.media.processes import Decoder
from microblog.media.results import TOO_SLOW
from microblog.media.sending import REFUSALS
from microblog.media.storage.interfaces import get_storage
from microblog.media.storing import NOT_READ
from microblog.messages.actions import write as write_message
from microblog.people.actions import block, follow, mute
from microblog.posts.actions import write as write_post
from microblog.reactions.actions import like
from microblog.web.forms import BROKEN
from tests.competing import before_the_next_write
from tests.conftest import counted_statements
from tests.failing_decoder import FAILING, SLEEPS
from tests.pictures import BLUE, GREEN, make_picture
from tests.portraits import give_portrait, make_file
from tests.walk import enter, flashes, token

TAKEN = "Somebody has, or had, this nickname already."
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'/>"
UNREADABLE = "This is not a picture that we can read. Use a JPEG, PNG, WebP, GIF or AVIF file."


@pytest.fixture
def susan(application):
    browser = application.browser()
    browser.id = enter(browser, "susan")
    return browser


def photo(data=None):
    return Upload("photo.png", make_picture(GREEN, (300, 200)) if data is None else data, "image/png")


def open_form(browser):
    return browser.get("/account/profile").forms["profile-form"]


def save(browser, status=303, form=None, **fields):
    """Fill in the form of the profile, and send it."""
    form = form or open_form(browser)
    for name, value in fields.items():
        form[name] = value
    return form.submit(status=status)


def errors(page):
    return [error.get_text() for error in page.html.select(".field-errors p, .error-summary > ul > li")]


def said(page, purpose):
    """What the field of this picture says."""
    field = page.html.select_one(f"[data-portrait={purpose}]")
    return field.select_one(".field-errors p").get_text()


def portraits(application, user_id):
    with application.database.read() as session:
        return tuple(session.execute(sa.select(User.avatar, User.header).where(User.id == user_id)).one())


def waiting(application):
    """Names of the pictures that wait."""
    with application.database.read() as session:
        return set(session.scalars(sa.select(Picture.name).where(Picture.waits_since.is_not(None))))


def kept(application):
    """Names of all pictures that are there, and of those whose files are to be deleted."""
    with application.database.read() as session:
        return (
            set(session.scalars(sa.select(Picture.name))),
            set(session.scalars(sa.select(PictureFilesToDelete.name))),
        )


def shown(page, selector=".profile > .avatar"):
    return page.html.select_one(selector)["src"]


# Chosen, and shown


def test_an_avatar_is_chosen_and_shown(application, susan):
    page = save(susan, avatar=photo()).follow()
    assert flashes(page) == ["Your profile has been saved."]
    avatar, header = portraits(application, susan.id)
    assert header is None
    assert shown(page) == f"/media/{avatar}-0.webp"
    assert shown(page, ".nav-me img") == f"/media/{avatar}-1.webp"
    assert not page.html.select(".banner")
    for number in (0, 1):
        assert susan.get(f"/media/{avatar}-{number}.webp").content_type == "image/webp"
    assert not waiting(application)


def test_a_header_is_a_banner_whose_place_is_kept(application, susan):
    page = save(susan, header=photo(make_file(HEADER))).follow()
    _, header = portraits(application, susan.id)
    for path in ("/users/susan", "/users/susan/replies"):
        banner = application.browser().get(path).html.select_one("main > img.banner")
        assert banner["src"] == f"/media/{header}-0.webp"
        assert banner["srcset"] == f"/media/{header}-1.webp 600w, /media/{header}-0.webp 1500w"
        assert (banner["width"], banner["height"], banner["alt"]) == ("1500", "500", "")
    assert shown(page).startswith("/avatars/")
    assert not susan.get("/users/susan/followers").html.select(".banner")


def test_both_are_chosen_at_once_beside_the_other_fields(application, susan):
    page = save(susan, avatar=photo(), header=photo(make_file(HEADER)), about_me="Kettles").follow()
    assert page.html.select_one(".profile-about").get_text() == "Kettles"
    assert None not in portraits(application, susan.id)
    form = susan.get("/account/profile").html
    assert [image["src"] for image in form.select(".portrait img")] == [
        f"/media/{name}-1.webp" for name in portraits(application, susan.id)
    ]


def test_the_avatar_is_wherever_its_person_is(application, susan):
    john = application.browser()
    john_id = enter(john, "john")
    avatar = f"/media/{give_portrait(application, susan.id, AVATAR)}-1.webp"
    with application.database.write() as session:
        follow(session, john_id, susan.id)
        follow(session, susan.id, john_id)
        post_id = write_post(session, susan.id, "Hello @john", language="en")
        write_message(session, susan.id, john_id, "Hello")
        like(session, susan.id, write_post(session, john_id, "Kettles", language="en"))
        like(session, susan.id, post_id)
    places = {
        "/": ".post .avatar",
        "/explore": ".post .avatar",
        "/users/": ".person .avatar",
        "/users/?q=susan": ".person .avatar",
        "/users/susan/card": ".card .avatar",
        "/users/john/followers": ".person .avatar",
        "/users/john/following": ".person .avatar",
        "/search?q=hello": ".post .avatar",
        f"/posts/{post_id}": ".post .avatar",
        f"/posts/{post_id}/likes": ".person .avatar",
        "/notifications/": ".notification > .avatar",
        "/messages/": ".person-name .avatar",
        "/users/john/mentions": ".post .avatar",
    }
    for path, selector in places.items():
        assert avatar in [image["src"] for image in john.get(path).html.select(selector)], path
    assert john.get("/users/by-beginning?q=su").json["people"][0]["avatar"] == avatar
    with application.database.write() as session:
        mute(session, john_id, susan.id)
    assert shown(john.get("/account/mutes"), ".person-name .avatar") == avatar
    with application.database.write() as session:
        block(session, john_id, susan.id)
    assert shown(john.get("/account/blocks"), ".person-name .avatar") == avatar


def test_pictures_cost_no_statement_more(application, susan):
    with application.database.write() as session:
        write_post(session, susan.id, "Hello", language="en")
    paths = ("/", "/users/susan", "/users/", "/account/profile")

    def count():
        counts = []
        for path in paths:
            with counted_statements(application.database) as statements:
                susan.get(path)
            counts.append(len(statements))
        return counts

    without = count()
    give_portrait(application, susan.id, AVATAR)
    give_portrait(application, susan.id, HEADER)
    assert count() == without


# Replaced, and removed


def test_another_avatar_takes_the_place_of_the_one_before(application, susan):
    save(susan, avatar=photo())
    first, _ = portraits(application, susan.id)
    save(susan, avatar=photo(make_picture(BLUE)))
    second, _ = portraits(application, susan.id)
    assert first != second
    assert kept(application) == ({second}, {first})


@pytest.mark.parametrize("purpose", [AVATAR, HEADER])
def test_a_picture_is_removed(application, susan, purpose):
    name = give_portrait(application, susan.id, purpose)
    form = open_form(susan)
    assert not form[f"remove_{purpose}"].checked
    form[f"remove_{purpose}"].checked = True
    page = form.submit(status=303).follow()
    assert shown(page).startswith("/avatars/")
    assert not page.html.select(".banner")
    assert kept(application) == (set(), {name})
    assert f"remove_{purpose}" not in open_form(susan).fields


def test_a_new_file_is_stronger_than_the_box(application, susan):
    first = give_portrait(application, susan.id, AVATAR)
    form = open_form(susan)
    form["remove_avatar"].checked = True
    save(susan, form=form, avatar=photo())
    second, _ = portraits(application, susan.id)
    assert second not in (None, first)
    assert kept(application) == ({second}, {first})


def test_gravatar_is_for_those_without_a_picture_of_their_own(make_application):
    application = make_application({"microblog.avatars": "gravatar"})
    browser = application.browser()
    user_id = enter(browser, "susan")
    assert "gravatar.com" in shown(browser.get("/users/susan"))
    avatar = give_portrait(application, user_id, AVATAR)
    assert shown(browser.get("/users/susan")) == f"/media/{avatar}-0.webp"


def test_other_changes_leave_the_pictures(application, susan):
    before = (give_portrait(application, susan.id, AVATAR), give_portrait(application, susan.id, HEADER))
    page = save(susan, nickname="grace", about_me="Kettles").follow()
    assert portraits(application, susan.id) == before
    assert shown(page) == f"/media/{before[0]}-0.webp"


# Refused


def test_what_is_no_picture_is_refused_and_nothing_else_is_lost(application, susan):
    before = give_portrait(application, susan.id, AVATAR)
    form = open_form(susan)
    form["remove_avatar"].checked = True
    page = save(susan, 422, form, avatar=photo(SVG), about_me="Kettles")
    assert said(page, AVATAR) == UNREADABLE
    assert page.html.select_one(".error-summary a")["href"] == "#avatar"
    form = page.forms["profile-form"]
    assert form["about_me"].value == "Kettles"
    assert form["remove_avatar"].checked
    assert portraits(application, susan.id) == (before, None)


def test_an_accepted_picture_is_kept_while_another_field_is_refused(application, susan):
    enter(application.browser(), "john")
    page = save(susan, 422, nickname="john", avatar=photo(), header=photo(b"nonsense"), about_me="Kettles")
    assert TAKEN in errors(page)
    assert said(page, HEADER) == UNREADABLE
    (name,) = waiting(application)
    form = page.forms["profile-form"]
    assert form["new_avatar"].value == name
    assert page.html.select_one(".portrait-avatar")["src"] == f"/media/{name}-1.webp"
    assert "This one will be shown once you save." in page
    assert portraits(application, susan.id) == (None, None)
    page = save(susan, form=form, nickname="susan").follow()
    assert shown(page) == f"/media/{name}-0.webp"
    assert page.html.select_one(".profile-about").get_text() == "Kettles"
    assert not waiting(application)


def refuse_with_picture(browser, **fields):
    """The form that comes back with a picture that was accepted."""
    return save(browser, 422, **{"nickname": "", "avatar": photo(), **fields}).forms["profile-form"]


def test_a_picture_that_waits_is_left_out(application, susan):
    before = give_portrait(application, susan.id, AVATAR)
    form = refuse_with_picture(susan)
    new = form["new_avatar"].value
    form["remove_avatar"].checked = True
    page = save(susan, form=form, nickname="susan").follow()
    assert shown(page) == f"/media/{before}-0.webp"
    assert kept(application) == ({before}, {new})


def test_a_picture_that_waits_is_left_out_of_a_form_that_is_refused_again(application, susan):
    before = give_portrait(application, susan.id, AVATAR)
    form = refuse_with_picture(susan)
    form["remove_avatar"].checked = True
    page = save(susan, 422, form)
    form = page.forms["profile-form"]
    assert "new_avatar" not in form.fields
    assert page.html.select_one(".portrait-avatar")["src"] == f"/media/{before}-1.webp"
    assert not form["remove_avatar"].checked
    assert not waiting(application)


def test_another_file_takes_the_place_of_the_one_that_waits(application, susan):
    form = refuse_with_picture(susan)
    first = form["new_avatar"].value
    save(susan, form=form, nickname="susan", avatar=photo(make_picture(BLUE)))
    second, _ = portraits(application, susan.id)
    assert kept(application) == ({second}, {first})


def test_a_picture_that_was_collected_is_asked_for_again(application, susan):
    form = refuse_with_picture(susan)
    with application.database.write() as session:
        media.discard(session, susan.id, [form["new_avatar"].value])
    page = save(susan, 422, form, nickname="susan", about_me="Kettles")
    assert said(page, AVATAR) == GONE
    form = page.forms["profile-form"]
    assert "new_avatar" not in form.fields
    save(susan, form=form, avatar=photo())
    assert portraits(application, susan.id)[0] is not None


def test_a_picture_that_was_collected_can_be_left_out_or_chosen_again(application, susan):
    for fields in ({}, {"avatar": photo()}):
        form = refuse_with_picture(susan)
        with application.database.write() as session:
            media.discard(session, susan.id, [form["new_avatar"].value])
        form["remove_avatar"].checked = not fields
        save(susan, form=form, nickname="susan", **fields)
        assert (portraits(application, susan.id)[0] is not None) == bool(fields)


def test_a_picture_that_is_collected_meanwhile_is_asked_for_again(application, susan):
    form = refuse_with_picture(susan, header=photo(make_file(HEADER)))
    names = [form["new_avatar"].value, form["new_header"].value]

    def collect():
        with application.database.write() as session:
            media.discard(session, susan.id, names[:1])

    with before_the_next_write(application.database, collect):
        page = save(susan, 409, form, nickname="susan", about_me="Kettles")
    assert said(page, AVATAR) == GONE
    form = page.forms["profile-form"]
    assert "new_avatar" not in form.fields
    assert form["new_header"].value == names[1]
    assert form["about_me"].value == "Kettles"
    assert portraits(application, susan.id) == (None, None)


def test_a_form_that_waited_for_a_log_in_has_its_picture(application, susan):
    form = refuse_with_picture(susan)
    susan.reset()
    page = save(susan, "*", form, nickname="susan", about_me="Kettles")
    login = page.forms["login-form"]
    login["nickname"], login["password"] = "susan", "correct horse battery staple"
    page = login.submit(status=303).follow()
    again = page.forms["profile-form"]
    assert again["new_avatar"].value == form["new_avatar"].value
    assert again["about_me"].value == "Kettles"
    save(susan, form=again)
    assert portraits(application, susan.id)[0] == form["new_avatar"].value


@pytest.mark.parametrize("purpose", [HEADER, POST])
def test_a_picture_for_something_else_is_none_for_a_profile(application, susan, purpose):
    refuse_with_picture(susan)
    with application.database.write() as session:
        session.execute(sa.update(Picture).values(purpose=purpose))
    (name,) = waiting(application)
    form = refuse_with_picture(susan)
    form["new_avatar"].force_value(name)
    assert said(save(susan, 422, form, nickname="susan"), AVATAR) == GONE


def test_a_picture_of_somebody_else_is_none_of_ones_own(application, susan):
    john = application.browser()
    enter(john, "john")
    others = refuse_with_picture(john)["new_avatar"].value
    form = refuse_with_picture(susan)
    form["new_avatar"].force_value(others)
    form["remove_avatar"].force_value(["on"])
    fields = {**dict(form.submit_fields()), "new_avatar": others, "remove_avatar": "", "nickname": "susan"}
    page = susan.post("/account/profile", fields, status=422)
    assert said(page, AVATAR) == GONE
    susan.post("/account/profile", {**fields, "remove_avatar": others}, status=303)
    assert others in waiting(application)


@pytest.mark.parametrize(
    "fields",
    [
        {"avatar": "a text"},
        {"new_avatar": "../../secret"},
        {"remove_header": "x" * 23},
    ],
)
def test_what_no_page_of_ours_sends_is_refused(application, susan, fields):
    form = {"csrf_token": token(susan), "nickname": "susan", "display_name": "", "about_me": ""}
    page = susan.post("/account/profile", {**form, **fields}, status=422)
    assert BROKEN in errors(page)
    assert portraits(application, susan.id) == (None, None)


def test_one_field_takes_one_file(susan):
    form = {"csrf_token": token(susan), "nickname": "susan"}
    files = [("avatar", f"{number}.png", make_picture()) for number in range(2)]
    assert BROKEN in errors(susan.post("/account/profile", form, upload_files=files, status=422))


# Limits


def test_a_quota_that_is_used_up_is_said(make_application, tmp_path):
    application = make_application({"microblog.media.quota": "1", "microblog.media.folder": str(tmp_path)})
    browser = application.browser()
    user_id = enter(browser, "susan")
    with application.database.write() as session:
        session.execute(sa.update(User).values(pictures_bytes=999_999))
    page = save(browser, 422, avatar=photo(), about_me="Kettles")
    assert said(page, AVATAR) == NO_ROOM
    assert page.forms["profile-form"]["about_me"].value == "Kettles"
    assert portraits(application, user_id) == (None, None)
    assert list(get_storage(application.registry).list_files()) == []


def test_after_a_picture_that_takes_too_long_the_other_is_not_read(make_application):
    application = make_application()
    application.registry.picture_decoder = Decoder(1, program=FAILING, seconds=0.5)
    browser = application.browser()
    user_id = enter(browser, "susan")
    page = save(browser, 503, avatar=photo(SLEEPS), header=photo())
    assert (said(page, AVATAR), said(page, HEADER)) == (REFUSALS[TOO_SLOW], NOT_READ)
    assert portraits(application, user_id) == (None, None)


def test_where_nobody_may_have_pictures_there_are_no_fields_for_them(make_application):
    application = make_application({"microblog.media.quota": "0"})
    browser = application.browser()
    user_id = enter(browser, "susan")
    assert not browser.get("/account/profile").html.select("[type=file], .portrait")
    give_portrait(application, user_id, AVATAR)
    form = open_form(browser)
    assert "avatar" not in form.fields
    form["remove_avatar"].checked = True
    form.submit(status=303)
    assert portraits(application, user_id) == (None, None)


def test_very_many_pictures_are_refused_and_what_was_typed_is_not_lost(make_application):
    application = make_application({"microblog.limits.pictures.per_account": "1 per hour"})
    browser = application.browser()
    enter(browser, "susan")
    waits = refuse_with_picture(browser)
    page = save(browser, 429, waits, nickname="susan", about_me="Kettles", header=photo())
    assert "You have sent very many pictures in a short time." in page
    form = page.forms["profile-form"]
    assert (form["about_me"].value, form["new_avatar"].value) == ("Kettles", waits["new_avatar"].value)
    save(browser, form=form)


def test_a_storage_that_is_away_is_said(make_application, tmp_path):
    (tmp_path / "file").write_text("")
    application = make_application({"microblog.media.folder": str(tmp_path / "file" / "media")})
    browser = application.browser()
    enter(browser, "susan")
    page = save(browser, 503, avatar=photo(), about_me="Kettles")
    assert "try again" in said(page, AVATAR)
    assert page.forms["profile-form"]["about_me"].value == "Kettles"


def test_two_large_pictures_are_taken_where_a_post_may_have_one(make_application):
    application = make_application(
        {"microblog.media.pictures_per_post": "1", "microblog.media.max_bytes": "1000000"}
    )
    assert application.registry.bytes_for_files == 2_000_000


# Two tabs, and a double click


def test_a_tab_that_changes_a_text_leaves_the_picture_of_another_tab(application, susan):
    form = open_form(susan)
    save(susan, avatar=photo())
    avatar, _ = portraits(application, susan.id)
    save(susan, form=form, about_me="Kettles")
    assert portraits(application, susan.id) == (avatar, None)


def test_a_picture_that_another_tab_has_chosen_is_not_removed_unseen(application, susan):
    give_portrait(application, susan.id, AVATAR)
    form = open_form(susan)
    save(susan, avatar=photo())
    avatar, _ = portraits(application, susan.id)
    form["remove_avatar"].checked = True
    page = save(susan, 409, form, about_me="Kettles")
    assert said(page, AVATAR) == CHANGED
    assert portraits(application, susan.id) == (avatar, None)
    form = page.forms["profile-form"]
    assert page.html.select_one(".portrait-avatar")["src"] == f"/media/{avatar}-1.webp"
    assert not form["remove_avatar"].checked
    form["remove_avatar"].checked = True
    save(susan, form=form)
    assert portraits(application, susan.id) == (None, None)


def test_a_picture_that_another_tab_chooses_meanwhile_is_not_removed_unseen(application, susan):
    give_portrait(application, susan.id, AVATAR)
    form = open_form(susan)
    form["remove_avatar"].checked = True
    found = []
    with before_the_next_write(
        application.database, lambda: found.append(give_portrait(application, susan.id, AVATAR))
    ):
        form.submit(status=303)
    assert portraits(application, susan.id) == (found[0], None)


def test_the_last_of_two_tabs_that_choose_a_picture_wins(application, susan):
    first, second = open_form(susan), open_form(susan)
    save(susan, form=first, avatar=photo())
    save(susan, form=second, avatar=photo(make_picture(BLUE)))
    there, to_delete = kept(application)
    assert there == {portraits(application, susan.id)[0]}
    assert len(to_delete) == 1


def test_removing_twice_is_removing_once(application, susan):
    give_portrait(application, susan.id, AVATAR)
    form = open_form(susan)
    form["remove_avatar"].checked = True
    for _ in range(2):
        form.submit(status=303)
    assert portraits(application, susan.id) == (None, None)


def test_a_form_with_a_picture_that_waited_may_be_sent_twice(application, susan):
    form = refuse_with_picture(susan)
    form["nickname"] = "susan"
    for _ in range(2):
        form.submit(status=303)
    assert portraits(application, susan.id)[0] == form["new_avatar"].value


def test_a_double_click_leaves_one_picture(application, susan):
    form = open_form(susan)
    form["avatar"] = photo()
    barrier = threading.Barrier(2)

    def send(_):
        barrier.wait()
        return form.submit(status=303).status_int

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(send, range(2))) == [303, 303]
    there, _ = kept(application)
    assert there == {portraits(application, susan.id)[0]}


def test_a_double_click_with_a_picture_that_waited_is_no_refusal(application, susan):
    form = refuse_with_picture(susan)
    form["nickname"] = "susan"
    with before_the_next_write(application.database, lambda: form.submit(status=303)):
        form.submit(status=303)
    assert portraits(application, susan.id)[0] == form["new_avatar"].value


# What others are told, and who is gone


def test_a_new_picture_is_a_changed_profile(make_application):
    changes = []
    application = make_application(
        extend=lambda config: config.add_subscriber(
            lambda event: changes.append(event.user_id), ProfileChanged
        )
    )
    browser = application.browser()
    user_id = enter(browser, "susan")
    save(browser)
    assert changes == []
    save(browser, avatar=photo())
    assert changes == [user_id]
    with application.database.write() as session:
        assert actions.remove_portrait(session, user_id, AVATAR)
        assert not actions.remove_portrait(session, user_id, AVATAR)
    assert changes == [user_id, user_id]


def test_a_deleted_person_has_no_picture_to_remove(application):
    with pytest.raises(StaleData), application.database.write() as session:
        actions.remove_portrait(session, 1, AVATAR)


def test_of_a_person_who_is_gone_no_picture_is_shown(application, susan):
    john = application.browser()
    john_id = enter(john, "john")
    names = {give_portrait(application, susan.id, AVATAR), give_portrait(application, susan.id, HEADER)}
    with application.database.write() as session:
        follow(session, john_id, susan.id)
        write_message(session, susan.id, john_id, "Hello")
        actions.leave(session, susan.id, days=0)
        assert actions.go(session, susan.id)
    assert portraits(application, susan.id) == (None, None)
    for path in ("/", "/users/", "/messages/", "/users/john/following", "/notifications/"):
        assert "/media/" not in john.get(path), path
    assert john.get("/users/susan", status="*").status_int in (404, 410)
    assert names <= set().union(*kept(application))
