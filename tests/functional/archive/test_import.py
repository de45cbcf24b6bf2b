"""`microblog import`: what is right is loaded once, what is wrong is told with its line."""

from __future__ import annotations

import json
import signal
import time
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from microblog.accounts.models import User
from microblog.archive.importing import Importer, digest_of
from microblog.archive.models import Import
from microblog.posts.ids import moment_of
from microblog.posts.models import Post
from tests.walk import bodies, sign_up

NOON = "2020-05-17T12:00:00+02:00"


def line(author="susan", body="Hello", created=NOON, **more):
    return json.dumps({"author": author, "body": body, "created": created, **more})


SECONDS_FOR_A_START = 60


@pytest.fixture
def load(microblog, tmp_path):
    """`load(lines)` imports a file of these lines."""

    def load(lines, *arguments, status=0, name="posts.jsonl"):
        content = b"\n".join(text.encode() if isinstance(text, str) else text for text in lines)
        (tmp_path / name).write_bytes(content + b"\n")
        return microblog("import", *arguments, tmp_path / name, status=status)

    return load


def posts(database):
    with database.read() as session:
        return session.execute(
            sa.select(Post.id, User.nickname, Post.body, Post.language)
            .join(User, User.id == Post.user_id)
            .order_by(Post.id)
        ).all()


def test_a_post_is_on_the_pages_with_its_author_and_its_moment(load, database, browser):
    assert load([line(language="pt-BR")]).stdout == "Loaded 1 posts; 0 were here already.\n"
    assert bodies(browser.get("/explore")) == ["Hello"]
    assert bodies(browser.get("/users/susan")) == ["Hello"]
    ((post_id, author, _, language),) = posts(database)
    assert (author, language) == ("susan", "pt-br")
    assert moment_of(post_id) == datetime(2020, 5, 17, 10, tzinfo=UTC)
    browser.get(f"/posts/{post_id}", status=200)


def test_what_is_imported_is_found_at_once(load, browser):
    load([line(body="Crème brûlée")])
    assert bodies(browser.get("/search", {"q": "creme"})) == ["Crème brûlée"]


def test_a_new_author_has_neither_password_nor_e_mail(load, application, database):
    load([line(), line(created="2019-01-01", body="Earlier")])
    for password in ("", "None", "password"):
        form = application.browser().get("/login").forms["login-form"]
        form["nickname"] = "susan"
        form["password"] = password
        form.submit(status=422)
    with database.read() as session:
        person = session.execute(sa.select(User.email, User.password_hash, User.member_since)).one()
    assert person == (None, None, datetime(2019, 1, 1, tzinfo=UTC))


def test_posts_of_somebody_who_is_here_are_theirs(load, browser, application):
    sign_up(browser, "Susan")
    load([line(author=" susan "), line(author="SUSAN", body="Again")])
    assert sorted(bodies(application.browser().get("/users/Susan"))) == ["Again", "Hello"]


def test_a_name_that_is_no_nickname_gets_a_free_one_and_keeps_it(load, browser, database):
    sign_up(browser, "JohnSmith")
    said = load([line(author="John Smith"), line(author="John_[Smith]", body="Me too")]).stdout
    assert "“John Smith” cannot be a nickname: their posts are by JohnSmith2." in said
    assert "“John_[Smith]” cannot be a nickname: their posts are by John_Smith." in said
    load([line(author="John Smith", body="Later"), line(author="admin", body="Mine")], name="more.jsonl")
    authors = {body: author for _, author, body, _ in posts(database)}
    john = {"Hello": "JohnSmith2", "Later": "JohnSmith2"}
    assert authors == {**john, "Me too": "John_Smith", "Mine": "admin2"}


WRONG = [
    (b"\xff\xfe", "This line is not UTF-8."),
    ("{", "This line is not JSON"),
    ("[" * 20_000, "This line is not JSON"),
    ("[1]", "This line is not a JSON object."),
    (line(langauge="de"), "There is no field called 'langauge'; there are author, body, created, language."),
    ('{"author": "susan", "created": "2020-01-01"}', "“body” is missing, or no text."),
    (line(author=7), "“author” is missing, or no text."),
    (line(author="Сюзан"), "No nickname can be made of the author 'Сюзан'"),
    (line(author="a b" * 100), "“author” has more than 200 characters."),
    (line(author="a\x00b"), "“author” holds a control character."),
    (line(author="a\ud800b"), "“author” holds a control character."),
    (line(body="  \u200b "), "Write something first: a post cannot be empty."),
    (line(body="a\x00b"), "This holds a control character"),
    (line(body="a\ud800b"), "This holds a control character"),
    (line(body="x" * 281), "This is 1 character too long: at most 280 characters."),
    (line(body="x" * 10_000_000), "This line is far too long for a post."),
    (line(created="yesterday"), "“created” is no moment like 2026-01-31T12:00:00Z, but 'yesterday'."),
    (line(created="1969-12-31T23:59:59Z"), "“created” is before 1970."),
    (line(created="0001-01-01T00:00:00+14:00"), "“created” is before 1970."),
    (line(created="9999-12-31T23:59:59-14:00"), "“created” is in the future."),
    (line(language="Deutsch, bitte"), "“language” is no language like de or pt-BR."),
    (line(language="de-" + "x" * 33), "“language” is no language like de or pt-BR."),
    (line(language=["de"]), "“language” is no language like de or pt-BR."),
]


def test_each_bad_line_is_told_with_its_number_and_the_rest_is_loaded(load, database):
    lines = [text for text, _ in WRONG]
    result = load([*lines, line(), "", line(body="The end", language=None)], status=1)
    for number, (_, sentence) in enumerate(WRONG, 1):
        assert f"Line {number}: {sentence}" in result.stderr
    assert f"{len(WRONG)} of {len(WRONG) + 3} lines were not loaded: correct them" in result.stderr
    assert sorted(body for _, _, body, _ in posts(database)) == ["Hello", "The end"]


def test_an_endless_last_line_is_told(microblog, tmp_path):
    (tmp_path / "x.jsonl").write_bytes(b"x" * 3_000_000)
    assert "Line 1: This line is far too long" in microblog("import", "x.jsonl", status=1).stderr


def test_lines_of_windows_with_a_byte_order_mark_are_loaded(load, database):
    load([b"\xef\xbb\xbf" + line(body="One\r\ntwo").encode() + b"\r"])
    assert [body for _, _, body, _ in posts(database)] == ["One\ntwo"]


def test_a_file_that_is_imported_again_changes_nothing(load, database):
    lines = [line(body=f"Number {number}") for number in range(5)] + ["{"]
    load(lines, status=1)
    again = load(lines, status=1)
    assert "nothing to do" in again.stdout
    assert "1 of 6 lines were not loaded" in again.stderr
    assert "Line 6: This line is not JSON" in load(lines, "--again", status=1).stderr
    assert len(posts(database)) == 5


def test_a_corrected_file_adds_only_what_was_missing(load, database):
    good = [line(body=f"Number {number}") for number in range(5)]
    load([*good, line(body="")], status=1)
    said = load([*good, line(body="Corrected"), good[0]]).stdout
    assert said == "Loaded 1 posts; 6 were here already.\n"
    assert len(posts(database)) == 6


def test_standard_input_is_a_file_too(microblog, database):
    microblog("import", "-", stdin=line() + "\n")
    assert "- was imported on" in microblog("import", "-", stdin=line() + "\n").stdout
    assert len(posts(database)) == 1


def test_a_file_that_cannot_be_read_is_told(microblog):
    error = microblog("import", "nowhere.jsonl", status=1).stderr
    assert "nowhere.jsonl cannot be read (No such file or directory)." in error


def test_thousands_of_posts_of_one_moment_all_get_an_id(load, database):
    said = load([line(body=f"Number {number}") for number in range(5000)]).stdout
    assert said == "Loaded 5,000 posts; 0 were here already.\n"
    assert len({body for _, _, body, _ in posts(database)}) == 5000


def test_an_interrupted_import_goes_on_where_it_was(load, database, tmp_path):
    lines = [line(body=f"Number {number}") for number in range(2500)]
    (tmp_path / "posts.jsonl").write_text("\n".join(lines) + "\n")
    with (tmp_path / "posts.jsonl").open("rb") as file:
        digest = digest_of(file, lambda more: None)
        importer = Importer(database, max_length=280, on_bad_line=lambda number, sentence: None)
        next(importer.run(file, digest, "posts.jsonl", None))
    said = load(lines).stdout
    assert said.startswith("Going on after line 1,000 of ")
    assert said.endswith("Loaded 1,500 posts; 0 were here already.\n")
    assert len(posts(database)) == 2500
    with database.read() as session:
        row = session.execute(sa.select(Import.lines, Import.posts, Import.finished)).one()
    assert (row.lines, row.posts) == (2500, 2500)
    assert row.finished is not None


@pytest.mark.slow
def test_an_import_that_is_killed_loses_and_doubles_nothing(start, ini, database, load, tmp_path):
    lines = [
        line(body=f"Number {number}", created=f"2020-01-01T00:00:{number % 60:02}") for number in range(6000)
    ]
    (tmp_path / "posts.jsonl").write_text("\n".join(lines) + "\n")
    process = start("-c", ini, "import", tmp_path / "posts.jsonl")
    deadline = time.monotonic() + SECONDS_FOR_A_START
    while not posts(database):  # until the first transaction is there
        assert time.monotonic() < deadline, "The import has not begun."
    process.end(signal.SIGKILL)
    load(lines)
    assert len(posts(database)) == 6000
    assert len({body for _, _, body, _ in posts(database)}) == 6000
