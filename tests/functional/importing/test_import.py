"""`microblog import`: valid lines are loaded once, and invalid ones are reported with their numbers."""

from __future__ import annotations

import hashlib
import json
import signal
import time
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from microblog.accounts.models import User
from microblog.accounts.queries import add_user
from microblog.db import StaleData
from microblog.ids import SEQUENCE_BITS, get_id_at, get_timestamp, to_milliseconds
from microblog.importing.importer import ATTEMPTS, Importer, compute_digest
from microblog.importing.models import Import, ImportedAuthor
from microblog.importing.queries import ImportedElsewhere, get_progress, record_author, start_import
from microblog.posts.models import Post
from microblog.posts.queries import add_posts
from tests.competing import before_the_statement
from tests.conftest import POSTGRESQL_URL
from tests.walk import bodies, enter

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


GERMAN = "Das ist ein kleiner Satz auf Deutsch."


def test_the_language_of_a_line_that_names_none_is_detected(load, database):
    load([line(body=GERMAN), line(body=GERMAN, author="john", language="nl"), line(body="ok")])
    assert {(post.body, post.language) for post in posts(database)} == {
        (GERMAN, "de"),
        (GERMAN, "nl"),
        ("ok", None),
    }


def test_no_language_is_detected_where_that_is_switched_off(load, ini, database):
    ini.write_text(
        ini.read_text().replace("[server:main]", "microblog.posts.detect_languages = false\n\n[server:main]")
    )
    load([line(body=GERMAN)])
    assert [post.language for post in posts(database)] == [None]


def test_a_post_is_on_the_pages_with_its_author_and_its_timestamp(load, database, browser):
    assert load([line(language="pt-BR")]).stdout == "Loaded 1 posts; 0 were here already.\n"
    assert bodies(browser.get("/explore")) == ["Hello"]
    assert bodies(browser.get("/users/susan")) == ["Hello"]
    ((post_id, author, _, language),) = posts(database)
    assert (author, language) == ("susan", "pt-br")
    assert get_timestamp(post_id) == datetime(2020, 5, 17, 10, tzinfo=UTC)
    browser.get(f"/posts/{post_id}", status=200)


def test_imported_posts_are_found_at_once(load, browser):
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


def test_posts_of_a_person_with_an_account_belong_to_them(load, browser, application):
    enter(browser, "Susan")
    load([line(author=" susan "), line(author="SUSAN", body="Again")])
    assert sorted(bodies(application.browser().get("/users/Susan"))) == ["Again", "Hello"]


def test_posts_of_somebody_whose_nickname_is_reserved_by_now_are_theirs(load, database):
    with database.write() as session:  # as before there was a page of this name
        add_user(session, "health")
    load([line(author="health"), line(author="Health", body="Again")])
    assert {author for _, author, _, _ in posts(database)} == {"health"}


def test_a_name_that_is_no_nickname_gets_a_free_one_and_keeps_it(load, browser, database):
    enter(browser, "JohnSmith")
    said = load([line(author="John Smith"), line(author="John_[Smith]", body="Me too")]).stdout
    assert "“John Smith” cannot be a nickname: their posts are by JohnSmith2." in said
    assert "“John_[Smith]” cannot be a nickname: their posts are by John_Smith." in said
    load([line(author="John Smith", body="Later"), line(author="admin", body="Mine")], name="more.jsonl")
    authors = {body: author for _, author, body, _ in posts(database)}
    john = {"Hello": "JohnSmith2", "Later": "JohnSmith2"}
    assert authors == {**john, "Me too": "John_Smith", "Mine": "admin2"}


def test_a_name_that_is_no_nickname_is_the_display_name_but_an_address_is_not(load, browser):
    load([line(author="José Núñez"), line(author="sue.kramer@example.com", body="Me too")])
    names = [name.get_text(" ", strip=True) for name in browser.get("/users/").html.select(".person-name")]
    assert names == ["José Núñez @JosNez", "sue.kramerexample.com"]


WRONG = [
    (b"\xff\xfe", "This line is not UTF-8."),
    ("{", "This line is not JSON"),
    ("[" * 20_000, "This line is not JSON"),
    ("[1]", "This line is not a JSON object."),
    (line(langauge="de"), "There is no field called 'langauge'; there are author, body, created, language."),
    ('{"author": "susan", "created": "2020-01-01"}', "“body” is missing, or not a text."),
    (line(author=7), "“author” is missing, or not a text."),
    (line(author="Сюзан"), "No nickname can be made of the author 'Сюзан'"),
    (line(author="a b" * 100), "“author” has more than 200 characters."),
    (line(author="a\x00b"), "“author” holds a control character."),
    (line(author="a\ud800b"), "“author” holds a control character."),
    (line(body="  \u200b "), "Write something first: a post cannot be empty."),
    (line(body="a\x00b"), "This has a control character"),
    (line(body="a\ud800b"), "This has a control character"),
    (line(body="x" * 281), "This is 1 character too long: at most 280 characters."),
    (line(body="x" * 10_000_000), "This line is far too long for a post."),
    (line(created="yesterday"), "“created” is not a timestamp like 2026-01-31T12:00:00Z: 'yesterday'."),
    (line(created="1969-12-31T23:59:59Z"), "“created” is before 1970."),
    (line(created="0001-01-01T00:00:00+14:00"), "“created” is before 1970."),
    (line(created="9999-12-31T23:59:59-14:00"), "“created” is in the future."),
    (line(language="Deutsch, bitte"), "“language” is not a language tag like de or pt-BR."),
    (line(language="de-" + "x" * 33), "“language” is not a language tag like de or pt-BR."),
    (line(language=["de"]), "“language” is not a language tag like de or pt-BR."),
]


def test_each_bad_line_is_reported_with_its_number_and_the_rest_is_loaded(load, database):
    lines = [text for text, _ in WRONG]
    result = load([*lines, line(), "", line(body="The end", language=None)], status=1)
    for number, (_, sentence) in enumerate(WRONG, 1):
        assert f"Line {number}: {sentence}" in result.stderr
    assert f"{len(WRONG)} of {len(WRONG) + 3} lines were not loaded: correct them" in result.stderr
    assert sorted(body for _, _, body, _ in posts(database)) == ["Hello", "The end"]


def test_an_endless_last_line_is_reported(microblog, tmp_path):
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


def test_a_file_that_cannot_be_read_is_reported(microblog):
    error = microblog("import", "nowhere.jsonl", status=1).stderr
    assert "nowhere.jsonl cannot be read (No such file or directory)." in error


def test_thousands_of_posts_with_one_timestamp_all_get_an_id(load, database):
    said = load([line(body=f"Number {number}") for number in range(5000)]).stdout
    assert said == "Loaded 5,000 posts; 0 were here already.\n"
    assert len({body for _, _, body, _ in posts(database)}) == 5000


def test_an_interrupted_import_is_resumed(load, database, tmp_path):
    lines = [line(body=f"Number {number}") for number in range(2500)]
    (tmp_path / "posts.jsonl").write_text("\n".join(lines) + "\n")
    with (tmp_path / "posts.jsonl").open("rb") as file:
        digest = compute_digest(file, lambda more: None)
        importer = Importer(database, max_length=280, on_bad_line=lambda number, sentence: None)
        next(importer.run(file, digest, "posts.jsonl", None))
    said = load(lines).stdout
    assert said.startswith("Resuming after line 1,000 of ")
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


# The order of posts with the same timestamp


def in_order(database):
    return [body for _, _, body, _ in posts(database)]


def test_posts_of_one_second_keep_the_order_of_their_lines(load, database, browser):
    authors = ("susan", "john", "susan", "grace")
    bodies_of_file = [f"Number {number}" for number in range(40)]
    load([line(author=authors[number % 4], body=body) for number, body in enumerate(bodies_of_file)])
    assert in_order(database) == bodies_of_file
    susans = [body for number, body in enumerate(bodies_of_file) if authors[number % 4] == "susan"]
    assert bodies(browser.get("/users/susan")) == susans[::-1], "the newest first"


def test_posts_of_one_second_keep_their_order_over_transactions_and_files(load, database):
    numbers = [f"Number {number}" for number in range(2500)]
    load([line(body=body) for body in numbers])
    more = [f"More {number}" for number in range(3)]
    load([line(body=body) for body in more], name="more.jsonl")
    assert in_order(database) == numbers + more


def test_a_file_whose_lines_go_back_in_time_keeps_the_order_within_each_second(load, database):
    seconds = [f"2020-05-17T12:00:{second:02}Z" for second in (3, 1, 2, 1, 3, 1)]
    load([line(body=f"{created[-3:-1]} {n}", created=created) for n, created in enumerate(seconds)])
    assert in_order(database) == ["01 1", "01 3", "01 5", "02 2", "03 0", "03 4"]


def test_timestamps_finer_than_a_millisecond_decide_the_order(load, database):
    timestamps = [f"2020-05-17T12:00:00.0005{micro}Z" for micro in ("30", "10", "20", "10")]
    load([line(body=f"{created[-3:-1]} {n}", created=created) for n, created in enumerate(timestamps)])
    assert in_order(database) == ["10 1", "10 3", "20 2", "30 0"]


def test_an_interrupted_import_keeps_the_order_when_it_is_resumed(load, database, tmp_path):
    numbers = [f"Number {number}" for number in range(2500)]
    lines = [line(body=body) for body in numbers]
    import_first_transaction(database, tmp_path, lines)
    load([line(body="Of another file")], name="other.jsonl")
    load(lines)
    assert in_order(database) == [*numbers[:1000], "Of another file", *numbers[1000:]]


def test_a_corrected_line_comes_between_its_neighbours_of_the_same_second(load, database):
    lines = [line(body=f"Number {number}") for number in range(1200)]
    wrong = [*lines]
    for number in (0, 7, 8, 9, 1100):
        wrong[number] = "{"
    load(wrong, status=1)
    load(lines)
    assert in_order(database) == [f"Number {number}" for number in range(1200)]


def test_a_post_written_in_the_same_millisecond_disturbs_no_import(load, database):
    first = get_id_at(to_milliseconds(datetime.fromisoformat(NOON)))
    with database.write() as session:
        john = add_user(session, "john")
        there = [first, first + 64, first + (1 << SEQUENCE_BITS) - 1, first + (1 << SEQUENCE_BITS) + 64]
        add_posts(session, [{"id": i, "user_id": john, "body": "There", "language": None} for i in there])
    numbers = [f"Number {number}" for number in range(3)]
    load([line(body=body) for body in numbers])
    assert [body for body in in_order(database) if body != "There"] == numbers


# Authors


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("user@bücher.example", "user@xn--bcher-kva.example"),
        ("User@Example.org", "user@example.ORG"),
        ("ju\u0308rgen@example.org", "jürgen@example.org"),
        ("Jürgen Müller", "Ju\u0308rgen Mu\u0308ller"),
    ],
)
def test_two_spellings_of_an_author_are_one_account(load, database, one, other):
    load([line(author=one, body="One"), line(author=other, body="Two")])
    load([line(author=other, body="Three"), line(author=one, body="Four")], name="more.jsonl")
    assert len({author for _, author, _, _ in posts(database)}) == 1
    assert len(posts(database)) == 4


def test_an_author_of_an_import_by_the_first_version_is_found_again(load, database):
    """It kept the name as the file had it."""
    name = "Ju\u0308rgen@xn--bcher-kva.example"
    with database.write() as session:
        user_id = add_user(session, "juergen")
        session.execute(sa.insert(ImportedAuthor).values(name=name, user_id=user_id))
    load([line(author=name, body="One"), line(author="jürgen@bücher.example", body="Two")])
    assert {author for _, author, _, _ in posts(database)} == {"juergen"}


def test_of_two_accounts_of_the_first_version_each_keeps_its_posts(load, database):
    names = ["jürgen@example.org", "ju\u0308rgen@example.org"]
    with database.write() as session:
        for number, name in enumerate(names):
            user_id = add_user(session, f"person{number}")
            session.execute(sa.insert(ImportedAuthor).values(name=name, user_id=user_id))
    load([line(author=name, body=f"By {number}") for number, name in enumerate(names)])
    assert {(author, body) for _, author, body, _ in posts(database)} == {
        ("person0", "By 0"),
        ("person1", "By 1"),
    }


# Others, at the same time


def import_first_transaction(database, tmp_path, lines):
    """An import that is interrupted; the importer."""
    file_name = tmp_path / "posts.jsonl"
    file_name.write_text("\n".join(lines) + "\n")
    with file_name.open("rb") as file:
        digest = compute_digest(file, lambda more: None)
        next(an_importer(database).run(file, digest, "posts.jsonl", None))
    return digest


def an_importer(database):
    return Importer(database, max_length=280, on_bad_line=lambda number, sentence: None)


def test_of_two_imports_of_a_file_at_once_one_gives_way(load, database, tmp_path):
    lines = [line(body=f"Number {number}") for number in range(2500)]
    digest = import_first_transaction(database, tmp_path, lines)
    with database.read() as session:
        one, other = (get_progress(session, digest) for _ in range(2))
    assert one is not None
    with (tmp_path / "posts.jsonl").open("rb") as file, (tmp_path / "posts.jsonl").open("rb") as same:
        next(an_importer(database).run(file, digest, "posts.jsonl", one))
        with pytest.raises(ImportedElsewhere):
            next(an_importer(database).run(same, digest, "posts.jsonl", other))
    load(lines)
    assert in_order(database) == [f"Number {number}" for number in range(2500)]


needs_postgresql = pytest.mark.skipif(
    not POSTGRESQL_URL, reason="Set MICROBLOG_TEST_DATABASE_URL: SQLite has one writer at a time."
)


@needs_postgresql
@pytest.mark.parametrize("statement", ["INSERT INTO imports", "UPDATE imports"])
def test_a_file_that_another_process_imports_meanwhile_is_reported(load, database, tmp_path, statement):
    def import_elsewhere():
        with database.write() as session:
            digest = hashlib.sha256((tmp_path / "posts.jsonl").read_bytes()).hexdigest()
            if statement.startswith("INSERT"):
                start_import(session, digest, "posts.jsonl")
            session.execute(sa.update(Import).values(position=5))

    with before_the_statement(sa.Engine, statement, import_elsewhere):
        error = load([line()], status=1).stderr
    assert "posts.jsonl is being imported by another process right now: wait until" in error
    assert posts(database) == []


def import_while(database, tmp_path, statement, action, author):
    """An import of one post; `action` happens just before the statement."""
    (tmp_path / "posts.jsonl").write_text(line(author=author) + "\n")
    with (
        (tmp_path / "posts.jsonl").open("rb") as file,
        before_the_statement(database.engine, statement, action),
    ):
        return list(an_importer(database).run(file, "digest", "posts.jsonl", None))[-1]


@needs_postgresql
def test_a_nickname_that_somebody_takes_during_an_import_is_theirs_and_so_are_the_posts(database, tmp_path):
    def sign_up_susan():
        with database.write() as session:
            add_user(session, "susan", email="susan@example.org")

    done = import_while(database, tmp_path, "INSERT INTO nicknames", sign_up_susan, "susan")
    assert (done.posts, [author for _, author, _, _ in posts(database)]) == (1, ["susan"])
    with database.read() as session:
        assert session.scalars(sa.select(User.email)).all() == ["susan@example.org"]


@needs_postgresql
def test_an_author_whom_another_import_adds_meanwhile_is_one_account(database, tmp_path):
    def add_john():
        with database.write() as session:
            record_author(session, "John Smith", add_user(session, "johnny"))

    import_while(database, tmp_path, "INSERT INTO imported_authors", add_john, "John Smith")
    assert [author for _, author, _, _ in posts(database)] == ["johnny"]


@needs_postgresql
def test_an_author_who_is_deleted_during_an_import_is_added_again(database, tmp_path):
    def delete_susan():
        with database.write() as session:
            session.execute(sa.delete(User))

    with database.write() as session:
        first = add_user(session, "susan")
    import_while(database, tmp_path, "ORDER BY users.id FOR NO KEY UPDATE", delete_susan, "susan")
    with database.read() as session:
        (susan,) = session.scalars(sa.select(Post.user_id))
    assert susan != first


@needs_postgresql
def test_an_import_whose_author_is_deleted_in_each_attempt_gives_up(database, tmp_path):
    def delete_and_add():
        with database.write() as session:
            session.execute(sa.delete(User))
            add_user(session, "susan")

    with database.write() as session:
        add_user(session, "susan")
    lock = "ORDER BY users.id FOR NO KEY UPDATE"
    with (
        pytest.raises(StaleData),
        before_the_statement(database.engine, lock, delete_and_add, times=ATTEMPTS),
    ):
        import_while(database, tmp_path, lock, lambda: None, "susan")
    assert posts(database) == []
