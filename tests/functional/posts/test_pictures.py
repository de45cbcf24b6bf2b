"""Pictures of posts: how they are added, described and published, and what is not lost meanwhile."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from webtest import TestApp, Upload
from zope.interface import implementer

from microblog.accounts.models import User
from microblog.media.models import Picture, PictureFilesToDelete
from microblog.media.processes import Decoder
from microblog.media.results import TOO_SLOW
from microblog.media.sending import REFUSALS
from microblog.media.settings import ALT_TEXT, MAX_BYTES, PICTURES_PER_POST, QUOTA
from microblog.media.storage.interfaces import IPictureStorage, StorageUnavailable, get_storage
from microblog.media.storage.settings import FOLDER
from microblog.media.storing import NOT_READ
from microblog.people.actions import block
from microblog.posts.models import Post
from microblog.posts.publishing import UNDO_SECONDS
from tests.competing import before_the_next_write
from tests.conftest import counted_statements
from tests.failing_decoder import FAILING, SLEEPS
from tests.pictures import BLUE, GREEN, make_picture, upload
from tests.walk import PASSWORD, bodies, enter, post_ids, token, user_id_of, write

GONE = "1 picture is not here any longer"
LONG = "x" * 281


def enter_site(application, nickname="susan"):
    browser = application.browser()
    enter(browser, nickname)
    return browser


def fill(browser, body="", *files, path="/", form="compose-form", **fields):
    """The form of this page, with a text and files."""
    found = browser.get(path).forms[form]
    return fill_form(found, body, *files, **fields)


def fill_form(form, body="", *files, **fields):
    form["body"] = body
    if files:
        form["pictures"] = list(files)
    for name, value in fields.items():
        form[name] = value
    return form


def publish(browser, body="", *files, **fields):
    return fill(browser, body, *files, **fields).submit(status=303).follow()


def shown(page):
    """The pictures of the first post: the text and the size of each."""
    pictures = page.html.select_one("[data-post-id]").select(".post-picture img")
    return [(picture["alt"], int(picture["width"]), int(picture["height"])) for picture in pictures]


def in_form(page, form="compose-form"):
    """The names of the pictures of the form, with their texts."""
    fields = page.forms[form].fields
    names = [field.value for field in fields.get("picture", [])]
    return list(zip(names, (field.value for field in fields.get("alt", [])), strict=True))


def problems(page):
    return [each.get_text(strip=True) for each in page.html.select(".error-summary li, .error-summary p")]


def test_a_picture_is_published_with_its_post_and_has_a_page(application, susan):
    page = publish(susan, "Look", upload())
    assert bodies(page) == ["Look"]
    assert shown(page) == [("", 80, 60)]
    link = page.html.select_one(".post-picture")
    assert link["aria-label"] == "Picture 1"
    assert link.rect["fill"] == "#c81e1e"
    assert susan.get(link.img["src"]).content_type == "image/webp"
    visitor = application.browser()
    large = visitor.get(link["href"])
    assert large.html.select_one(".picture img")["width"] == "80"
    assert "This picture has no description." in large
    assert large.html.h1.get_text() == "Picture 1 of 1"
    for address in ("0", "2", "x", "01", "1/1", ""):
        visitor.get(f"{link['href'][:-1]}{address}", status=404)


def test_pictures_are_added_and_described_before_anything_is_published(susan):
    page = fill(susan, "Almost", upload(), upload(make_picture(BLUE, (30, 90)))).submit("add", status=200)
    assert not problems(page)
    assert page.forms["compose-form"]["body"].value == "Almost"
    assert [text for _, text in in_form(page)] == ["", ""]
    form = page.forms["compose-form"]
    form.set("alt", "A red wall", 0)
    form.set("alt", "  A blue\r\ndoor ", 1)
    page = fill_form(form, "Almost", upload(make_picture(GREEN))).submit("add", status=200)
    assert [text for _, text in in_form(page)] == ["A red wall", "A blue\ndoor", ""]
    page = page.forms["compose-form"].submit(status=303).follow()
    assert shown(page) == [("A red wall", 80, 60), ("A blue\ndoor", 30, 90), ("", 80, 60)]
    first, second, third = page.html.select(".post-picture")
    assert "aria-label" not in first.attrs
    assert second.img["srcset"].endswith("-0.webp 30w")
    middle = susan.get(second["href"])
    assert [link["rel"] for link in middle.html.select(".picture-pages a[rel]")] == [["prev"], ["next"]]
    assert not susan.get(third["href"]).html.select(".picture-pages a[rel=next]")
    assert not susan.get(first["href"]).html.select(".picture-pages a[rel=prev]")


def test_nothing_has_to_be_right_yet_when_a_picture_is_added(susan):
    page = fill(susan, LONG, upload()).submit("add", status=200)
    assert not problems(page)
    assert len(in_form(page)) == 1
    assert page.forms["compose-form"]["body"].value == LONG


def test_a_picture_is_removed(database, susan):
    page = fill(susan, "Two", upload(), upload(make_picture(BLUE))).submit("add")
    (first, _), (second, _) = in_form(page)
    form = page.forms["compose-form"]
    form.set("alt", "The other one", 1)
    page = form.submit("remove", value=first, status=200)
    assert in_form(page) == [(second, "The other one")]
    with database.read() as session:
        assert session.scalars(sa.select(Picture.name)).all() == [second]
        assert session.scalars(sa.select(PictureFilesToDelete.name)).all() == [first]


def test_a_post_that_is_refused_keeps_its_pictures(susan):
    page = fill(susan, LONG, upload()).submit(status=422)
    ((name, _),) = in_form(page)
    form = page.forms["compose-form"]
    form["alt"] = "A wall"
    page = fill_form(form, LONG).submit(status=422)
    assert in_form(page) == [(name, "A wall")]
    assert "required" not in page.html.select_one("textarea[name=body]").attrs
    page = fill_form(page.forms["compose-form"], "Short").submit(status=303).follow()
    assert bodies(page) == ["Short"]
    assert shown(page) == [("A wall", 80, 60)]


def test_a_picture_needs_no_text_beside_it_but_an_empty_post_is_none(susan):
    page = publish(susan, "", upload())
    assert bodies(page) == []
    assert shown(page) == [("", 80, 60)]
    page = fill(susan, " ").submit(status=422)
    assert "Write something first" in page
    thread = susan.get(f"/posts/{post_ids(susan.get('/'))[0]}")
    assert thread.html.select_one("meta[name=description]")["content"] == "A picture"


def test_what_is_no_picture_gets_a_sentence_and_the_others_stay(susan):
    bad = Upload("cat.jpg", b"<html>no cat</html>", "image/jpeg")
    page = fill(susan, "Mixed", upload(), bad, Upload("e.png", b"", "image/png")).submit(status=422)
    said = page.html.select_one(".error-summary").get_text()
    assert "This is not a picture that we can read." in said
    assert "This file is empty." in said
    assert len(in_form(page)) == 1
    assert page.forms["compose-form"]["body"].value == "Mixed"


def test_a_post_has_so_many_pictures_at_most(susan):
    page = fill(susan, "Many", *(upload() for _ in range(5))).submit(status=422)
    assert "A post can have 4 pictures: leave out the others." in page
    assert in_form(page) == []
    page = fill(susan, "Many", *(upload() for _ in range(4))).submit("add", status=200)
    assert page.html.select_one("input[type=file]").has_attr("disabled")
    token_of_page = page.forms["compose-form"]["csrf_token"].value
    fields = [
        ("csrf_token", token_of_page),
        ("body", "Many"),
        *(("picture", name) for name, _ in in_form(page)),
    ]
    page = susan.post("/posts/", fields, upload_files=[("pictures", "a.png", make_picture())], status=422)
    assert "A post can have 4 pictures" in page
    assert len(in_form(page)) == 4


def test_where_each_picture_needs_a_text_none_is_published_without(make_application):
    susan = enter_site(make_application({ALT_TEXT.key: "required"}))
    page = fill(susan, "Look", upload()).submit(status=422)
    assert "Describe each picture for people who cannot see it." in page
    form = page.forms["compose-form"]
    form["alt"] = " \n "
    page = form.submit(status=422)
    form = page.forms["compose-form"]
    form["alt"] = "A red wall"
    assert shown(form.submit(status=303).follow()) == [("A red wall", 80, 60)]


def test_a_picture_of_somebody_else_or_of_another_post_is_in_no_post(application, database, susan, john):
    page = fill(susan, "Mine", upload()).submit("add")
    ((name, _),) = in_form(page)
    stolen = {"csrf_token": token(john), "body": "Mine?", "picture": name}
    assert GONE in john.post("/posts/", stolen, status=422)
    page.forms["compose-form"].submit(status=303)
    again = {"csrf_token": token(susan), "body": "Again", "picture": name, "alt": "x"}
    answer = susan.post("/posts/", again, status=422)
    assert GONE in answer
    assert answer.forms["compose-form"]["body"].value == "Again"
    assert in_form(answer) == []
    john.post("/posts/", {**stolen, "remove": name, "picture": ""}, status=422)
    with database.read() as session:
        assert session.scalars(sa.select(Picture.waits_since)).all() == [None]
        assert session.scalar(sa.select(sa.func.count()).select_from(Post)) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"picture": "../../etc/passwd"},
        {"picture": "A" * 23},
        {"alt": "without a picture"},
        {"remove": "x"},
        [("picture", f"{number:022}") for number in range(21)],
        {"picture": "A" * 22, "alt": "y" * 1501},
        {"picture": "A" * 22, "alt": "\x00"},
        {"pictures": "a text"},
    ],
    ids=str,
)
def test_a_form_that_no_page_of_ours_sends_is_refused(susan, fields):
    pairs = fields if isinstance(fields, list) else list(fields.items())
    answer = susan.post("/posts/", [("csrf_token", token(susan)), ("body", "Text"), *pairs], status=422)
    assert problems(answer)
    assert answer.forms["compose-form"]["body"].value == "Text"


def test_files_are_taken_by_no_other_field(susan):
    fields = {"csrf_token": token(susan), "body": "Text"}
    answer = susan.post("/posts/", fields, upload_files=[("body", "a.png", make_picture())], status=422)
    assert "This form takes no files." in answer


def test_a_reply_has_pictures(susan, john):
    post_id = post_ids(write(susan, "Show me"))[0]
    path, name = f"/posts/{post_id}", f"reply-form-{post_id}"
    page = fill(john, LONG, upload(), path=path, form=name).submit(status=422)
    assert len(in_form(page, name)) == 1
    page = fill_form(page.forms[name], "Here").submit(status=303).follow()
    reply = page.html.select("[data-post-id]")[1]
    assert len(reply.select(".post-picture")) == 1


@pytest.mark.parametrize("is_reply", [False, True])
def test_a_picture_that_goes_into_another_post_meanwhile_is_told(database, susan, is_reply):
    post_id = post_ids(write(susan, "Before"))[0]
    path, name = (f"/posts/{post_id}", f"reply-form-{post_id}") if is_reply else ("/", "compose-form")
    form = fill(susan, "First tab", upload(), path=path, form=name).submit("add").forms[name]

    def use_it_elsewhere():
        with database.write() as session:
            session.execute(sa.update(Picture).values(waits_since=None))

    with before_the_next_write(database, use_it_elsewhere):
        answer = form.submit(status=409)
    assert GONE in answer
    assert in_form(answer, name) == []
    assert answer.forms[name]["body"].value == "First tab"


def test_a_post_that_is_taken_back_gives_its_pictures_back(make_application):
    application = make_application({UNDO_SECONDS.key: "100"})
    susan = enter_site(application)
    page = fill(susan, "Not yet", upload()).submit("add")
    form = fill_form(page.forms["compose-form"], "Not yet", sensitive=True)
    form["alt"] = "A wall"
    page = form.submit(status=303).follow()
    post_id = post_ids(page)[0]
    page = page.forms[f"undo-{post_id}"].submit(status=303).follow()
    assert [text for _, text in in_form(page)] == ["A wall"]
    form = page.forms["compose-form"]
    assert form["sensitive"].checked
    assert form["body"].value == "Not yet"
    page = form.submit(status=303).follow()
    assert shown(page) == [("A wall", 80, 60)]
    with application.database.read() as session:
        assert session.scalars(sa.select(Picture.waits_since)).all() == [None]
        assert not session.scalar(sa.select(sa.func.count()).select_from(PictureFilesToDelete))


def test_a_deleted_post_takes_its_pictures_with_it(database, susan):
    post_id = post_ids(publish(susan, "Look", upload(), upload()))[0]
    susan.post(f"/posts/{post_id}/delete", {"csrf_token": token(susan)}, status=303)
    with database.read() as session:
        assert not session.scalar(sa.select(sa.func.count()).select_from(Picture))
        rows = session.execute(sa.select(PictureFilesToDelete.files)).scalars().all()
        assert rows == [2, 2]
        assert session.scalar(sa.text("SELECT pictures_bytes FROM users")) == 0
    assert susan.get(f"/posts/{post_id}/pictures/1", status=410)


def test_sensitive_pictures_are_shown_when_somebody_asks(susan):
    page = fill(susan, "Careful", upload()).submit("add")
    page = fill_form(page.forms["compose-form"], "Careful", sensitive=True).submit(status=303).follow()
    details = page.html.select_one("details.post-sensitive")
    assert details.summary.get_text() == "Sensitive: show the picture"
    assert not details.has_attr("open")
    assert len(details.select(".post-picture")) == 1
    assert not publish(susan, "Careless", upload()).html.select_one("[data-post-id]").select("details")


def test_a_page_of_posts_with_pictures_costs_no_statement_more(make_application):
    application = make_application({"microblog.page_size": "25"})
    susan = enter_site(application)
    for number in range(25):
        write(susan, f"Without {number}")
    with counted_statements(application.database) as without:
        susan.get("/")
    for number in range(25):
        publish(susan, f"With {number}", upload())
    with counted_statements(application.database) as statements:
        page = susan.get("/")
    assert len(page.html.select(".post-picture")) == 25
    assert len(statements) == len(without)


def test_pictures_take_so_much_room_at_most(make_application, tmp_path):
    application = make_application({QUOTA.key: "1", FOLDER.key: str(tmp_path)})
    susan = enter_site(application)
    with application.database.write() as session:
        session.execute(sa.update(User).values(pictures_bytes=999_999))
    page = fill(susan, "Too much", upload()).submit(status=422)
    assert "Your pictures take as much room as they may on this site" in page
    assert in_form(page) == []
    assert page.forms["compose-form"]["body"].value == "Too much"
    assert list(get_storage(application.registry).list_files()) == []


def test_where_nobody_may_have_pictures_the_form_takes_none(make_application):
    susan = enter_site(make_application({QUOTA.key: "0"}))
    form = susan.get("/").forms["compose-form"]
    assert "pictures" not in form.fields
    form["body"] = "Without"
    assert bodies(form.submit(status=303).follow()) == ["Without"]


def test_after_a_picture_that_takes_too_long_no_others_of_its_form_are_read(make_application):
    application = make_application()
    application.registry.picture_decoder = Decoder(1, program=FAILING, seconds=0.5)
    susan = enter_site(application)
    page = fill(susan, "Slow", upload(), upload(SLEEPS), upload(), upload()).submit(status=503)
    assert problems(page) == [REFUSALS[TOO_SLOW], NOT_READ]
    assert len(in_form(page)) == 1
    assert page.forms["compose-form"]["body"].value == "Slow"
    fill_form(page.forms["compose-form"], "Slow", upload()).submit(status=303)


def test_so_many_pictures_wait_for_a_post_at_most(application, database, susan):
    name = in_form(fill(susan, "One", upload()).submit("add"))[0][0]
    with database.write() as session:
        row = session.execute(sa.select(Picture.__table__).where(Picture.name == name)).one()._asdict()
        rows = [{**row, "id": row["id"] + each, "name": f"{each:022}"} for each in range(1, 100)]
        session.execute(sa.insert(Picture), rows)
    assert "as much room as they may" in fill(susan, "One more", upload()).submit("add", status=422)


def test_new_pictures_are_limited(make_application):
    application = make_application({"microblog.limits.pictures.per_account": "1 per hour"})
    susan = enter_site(application)
    fill(susan, "One", upload()).submit("add", status=200)
    answer = fill(susan, "Two", upload()).submit("add", status=429)
    assert "You have sent very many pictures in a short time." in answer


@implementer(IPictureStorage)
class FullStorage:
    name = "full"

    def put(self, file_name, data):
        raise StorageUnavailable("The disk is full.")

    def find(self, file_name):
        return None

    read = find

    def delete(self, file_names):
        raise StorageUnavailable("The disk is full.")

    def list_files(self):
        return iter(())

    def check(self):
        raise StorageUnavailable("The disk is full.")


class AlmostFullStorage(FullStorage):
    """There is room for one file."""

    def __init__(self):
        self.files = []

    def put(self, file_name, data):
        if self.files:
            super().put(file_name, data)
        self.files.append(file_name)

    def delete(self, file_names):
        self.files = [name for name in self.files if name not in file_names]


def test_of_a_picture_that_was_stored_in_part_nothing_is_left(make_application):
    storage = AlmostFullStorage()
    application = make_application(extend=lambda config: config.set_picture_storage(storage))
    page = fill(enter_site(application), "Look", upload()).submit(status=503)
    assert "Pictures cannot be stored at the moment." in page
    assert storage.files == []


def test_while_nothing_can_be_stored_the_text_stays_and_posts_without_pictures_go_on(make_application):
    application = make_application(extend=lambda config: config.set_picture_storage(FullStorage()))
    susan = enter_site(application)
    page = fill(susan, "Look", upload()).submit(status=503)
    assert "Pictures cannot be stored at the moment." in page
    assert page.forms["compose-form"]["body"].value == "Look"
    assert bodies(write(susan, "Without")) == ["Without"]


def test_whoever_was_logged_out_meanwhile_finds_the_pictures_that_were_added(application, susan):
    page = fill(susan, "Kept", upload()).submit("add")
    ((name, _),) = in_form(page)
    form = page.forms["compose-form"]
    form["alt"] = "A wall"
    susan.reset()
    answer = form.submit(status=400)
    login = answer.forms["login-form"]
    login["nickname"], login["password"] = "susan", PASSWORD
    page = login.submit(status=303).follow()
    assert in_form(page) == [(name, "A wall")]
    assert shown(page.forms["compose-form"].submit(status=303).follow()) == [("A wall", 80, 60)]


def test_an_edit_leaves_the_pictures_and_may_remove_the_text(susan):
    post_id = post_ids(publish(susan, "Look", upload()))[0]
    form = susan.get(f"/posts/{post_id}/edit").forms["edit-form"]
    form["body"] = ""
    page = form.submit(status=303).follow()
    assert shown(page) == [("", 80, 60)]
    assert not page.html.select(".post-body")
    without = post_ids(write(susan, "Only text"))[0]
    form = susan.get(f"/posts/{without}/edit").forms["edit-form"]
    form["body"] = ""
    assert "Write something first" in form.submit(status=422)


def test_a_form_with_files_that_comes_twice_is_one_post(susan):
    form = fill(susan, "Once", upload())
    form.submit(status=303)
    form.submit(status=303)
    page = susan.get("/")
    assert bodies(page) == ["Once"]
    assert len(page.html.select(".post-picture")) == 1


def test_a_picture_may_be_as_large_as_the_site_says_and_the_rest_of_a_form_no_larger(make_application):
    application = make_application({MAX_BYTES.key: "1000000", PICTURES_PER_POST.key: "1"})
    # WebTest's own checks hide that a body can be read again, as that of waitress can.
    susan = TestApp(application.wsgi, lint=False)
    enter(susan, "susan")
    padded = make_picture() + bytes(1_000_000)
    page = fill(susan, "Large", upload(padded)).submit(status=422)
    assert "This file has more than 1 MB." in page
    assert page.forms["compose-form"]["body"].value == "Large"
    assert fill(susan, "Larger", upload(bytes(3_100_000))).submit(status=413)  # a profile has two pictures


def test_a_blocked_person_sees_no_page_of_a_picture(database, susan, john):
    susan_id, john_id = user_id_of(susan), user_id_of(john)
    post_id = post_ids(publish(susan, "Look", upload()))[0]
    with database.write() as session:
        block(session, susan_id, john_id)
    john.get(f"/posts/{post_id}/pictures/1", status=403)


def test_what_a_post_shows_is_removed_by_no_form(database, susan):
    publish(susan, "Look", upload())
    with database.read() as session:
        name = session.scalar(sa.select(Picture.name))
    susan.post("/posts/", {"csrf_token": token(susan), "body": "", "remove": name}, status=200)
    with database.read() as session:
        assert session.scalars(sa.select(Picture.name)).all() == [name]
