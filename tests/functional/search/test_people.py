"""People are found by their names and by what they say about themselves, the active ones first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from microblog.accounts.actions import change_profile, create_account
from microblog.accounts.models import User
from microblog.accounts.queries import find_owner_id
from microblog.ids import get_now, new_id_at
from microblog.people.actions import follow
from microblog.people.interfaces import get_people_search
from microblog.posts.queries import add_posts
from microblog.search.people.models import PersonWalk, PersonWord
from microblog.search.people.queries import CANDIDATES
from microblog.search.people.tasks import MILLISECONDS_BETWEEN_WALKS, PEOPLE_IN_A_ROUND, compare_words
from microblog.search.people.words import get_version
from tests.walk import enter

LONG_AGO = datetime.now(UTC) - timedelta(days=400)


@pytest.fixture
def add(database):
    """Adds somebody, who joined long ago unless it is said otherwise."""

    def add(nickname, display_name="", about_me="", *, joined=LONG_AGO, last_seen=None):
        with database.write() as session:
            user_id = create_account(session, nickname, member_since=joined)
            session.execute(sa.update(User).where(User.id == user_id).values(last_seen=last_seen))
            names = {"nickname": nickname, "display_name": display_name}
            change_profile(session, user_id, **names, about_me=about_me)
        return user_id

    return add


@pytest.fixture
def find(application):
    def find(q, limit=50):
        with application.database.read() as session:
            search = get_people_search(application.registry)
            return [row.nickname for row in search.find(session, q, limit=limit, reader_id=None)]

    return find


def names(page):
    return [str(link["href"]).rpartition("/")[2] for link in page.html.select(".person-name a")]


def words_of(database, user_id):
    with database.read() as session:
        rows = session.execute(
            sa.select(PersonWord.word, PersonWord.rank).where(PersonWord.user_id == user_id)
        )
        return dict(rows.all())


@pytest.mark.parametrize(
    "q",
    [
        *("lodz_fan", "LODZ", "@lodz_fan", "fan"),
        *("zolc", "Żółć", "lukasz zol", "zol lukasz", "山田", "fan lukasz"),
        *("gärtner", "gartn", "gartn lodz_fan", "tee gartner lukasz", "tee,gärtner"),
    ],
)
def test_a_person_is_found_by_every_beginning_of_a_word(add, find, q):
    add("lodz_fan", "Łukasz Żółć 山田", "Gärtner. Mag Tee & @susan")
    add("somebody", "Łukasz", "Tee")
    assert find(q)[0] == "lodz_fan"


@pytest.mark.parametrize(
    "q", ["odz", "lukasz kettle", "tee -", "", "  ", "!?", "@", "_", "\u200b", "%", "x" * 200]
)
def test_what_nobody_has_finds_nobody_else(add, find, q):
    add("lodz_fan", "Łukasz Żółć", "Gärtner")
    assert find(q) == []


def test_names_come_before_what_people_say_and_followers_decide_among_equals(add, find, database):
    about = [add("one", about_me="Kettle"), add("two", about_me="kettles, mostly")]
    shown = [add("three", "Ms. Kettle"), add("four", "kettle")]
    add("kettle_two")
    add("kettle")
    fan = add("fan")
    with database.write() as session:
        for user_id in (about[1], shown[1]):
            follow(session, fan, user_id)
    assert find("kettle") == ["kettle", "kettle_two", "four", "three", "two", "one"]


@pytest.mark.parametrize("how", ["joined", "seen", "wrote"])
def test_the_active_ones_come_first_however_they_are(add, find, database, how):
    recently = datetime.now(UTC) - timedelta(days=20)
    add("kettle")
    add("aa", "Kettle")
    user_id = add(
        "zz",
        about_me="A kettle",
        joined=recently if how == "joined" else LONG_AGO,
        last_seen=recently if how == "seen" else datetime.now(UTC) - timedelta(days=40),
    )
    if how == "wrote":
        row = {"id": new_id_at(recently), "user_id": user_id, "body": "Hello", "language": None}
        with database.write() as session:
            add_posts(session, [row])
    assert find("kettle") == ["zz", "kettle", "aa"]


def test_an_active_person_is_found_among_very_many_others(add, find, database):
    others = {"member_since": LONG_AGO, "about_me": "A gardener"}
    with database.write() as session:
        people = [{"nickname": f"other{number}", **others} for number in range(CANDIDATES + 20)]
        ids = session.scalars(sa.insert(User).returning(User.id), people).all()
        words = [{"user_id": user_id, "word": "gardener", "rank": 5} for user_id in ids]
        session.execute(sa.insert(PersonWord), words)
    add("somebody", about_me="Another gardener", last_seen=datetime.now(UTC))
    assert len(find("gardener", limit=1000)) == CANDIDATES + 1
    assert find("gardener", limit=1) == ["somebody"]
    assert find("garden", limit=1) == ["somebody"]


def test_a_rare_word_finds_somebody_among_very_many_with_a_longer_one(add, find, database):
    with database.write() as session:
        people = [
            {"nickname": f"other{number}", "member_since": LONG_AGO} for number in range(CANDIDATES + 20)
        ]
        ids = session.scalars(sa.insert(User).returning(User.id), people).all()
        words = [{"user_id": user_id, "word": "gardener", "rank": 5} for user_id in ids]
        session.execute(sa.insert(PersonWord), words)
    add("somebody", about_me="Gardener in Rome")
    assert find("gardener rom") == find("rome gardener") == ["somebody"]


def test_a_nickname_of_two_words_is_found_before_the_worker_came(database, add, find):
    add("green_tea")
    with database.write() as session:
        session.execute(sa.delete(PersonWord))
    assert find("green_t") == ["green_tea"]


def test_the_words_of_a_person_follow_their_profile(add, find, database):
    user_id = add("susan", "Kettle", "Kettle and sea", joined=datetime.now(UTC))
    assert words_of(database, user_id) == {"susan": 0, "kettle": 1, "and": 2, "sea": 2}
    with database.write() as session:
        change_profile(session, user_id, nickname="grace", display_name="", about_me="x" * 140)
    assert words_of(database, user_id) == {"grace": 0, "x" * 40: 2}
    assert (find("susan"), find("kettle"), find("x" * 140)) == ([], [], ["grace"])
    with database.write() as session:
        session.execute(sa.delete(User).where(User.id == user_id))
    assert words_of(database, user_id) == {}


def test_a_change_that_is_rolled_back_is_not_found(add, find, database):
    user_id = add("susan")
    with database.write() as session:
        change_profile(session, user_id, nickname="susan", display_name="Kettle", about_me="")
        session.rollback()
    assert find("kettle") == []


# Pages


def test_a_new_name_is_found_in_the_next_request(application, browser):
    enter(browser, "susan")
    form = browser.get("/account/profile").forms["profile-form"]
    form["display_name"], form["about_me"] = "Łukasz", "I boil water"
    form.submit(status=303)
    for q in ("lukasz", "water boil"):
        assert names(browser.get("/users/", {"q": q})) == ["susan"]
        assert names(browser.get("/search", {"q": q})) == ["susan"]
    assert names(browser.get("/search", {"q": "water -boil"})) == []
    assert names(browser.get("/search", {"q": "from:susan"})) == []


def test_the_best_fifty_are_shown_and_the_page_says_that_there_are_more(add, browser):
    for number in range(51):
        add(f"person{number:02}")
    page = browser.get("/users/?q=person")
    assert names(page) == [f"person{number:02}" for number in range(50)]
    assert "These are the first 50. Type more to find others." in page.text
    assert page.html.select(".pager") == []
    assert names(browser.get("/users/?q=person50")) == ["person50"]


def test_a_search_that_is_too_long_is_refused(browser):
    page = browser.get("/users/", {"q": "x" * 201}, status=422)
    assert "Your search is too long: at most 200 characters." in page.text
    assert page.forms["people-search-form"]["q"].value == "x" * 201


@pytest.mark.parametrize("q", ["nobody", "!?", "\u3164"])
def test_when_nobody_is_found_the_page_says_for_what(browser, q):
    assert f"Nobody found for “{q}”" in browser.get("/users/", {"q": q}).text


def test_finding_people_takes_one_statement(add, browser, count_statements):
    add("susan", "Łukasz", "I boil water")
    for q in ("susan", "lukasz water boil i"):
        with count_statements() as statements:
            browser.get("/users/", {"q": q})
        assert len(statements) == 1, statements


# The worker


def test_the_worker_writes_the_words_of_those_who_have_none(application, database, find):
    with database.write() as session:
        people = [
            {"nickname": f"other{number}", "member_since": LONG_AGO, "display_name": "Kettle"}
            for number in range(PEOPLE_IN_A_ROUND + 1)
        ]
        session.execute(sa.insert(User), people)
    assert find("kettle") == []
    assert compare_words(application.registry) is True
    with database.read() as session:
        (walk,) = session.scalars(sa.select(PersonWalk))
    assert walk.finished is None
    assert compare_words(application.registry) is False
    with database.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(PersonWord)) == 2 * len(people)
    assert len(find("kettle")) == 50


def test_the_worker_corrects_words_once_a_day(application, database, add, find):
    user_id = add("susan", "Kettle", joined=datetime.now(UTC))
    assert compare_words(application.registry) is False
    with database.write() as session:
        changed = {"about_me": "From a shell", "member_since": LONG_AGO}
        session.execute(sa.update(User).where(User.id == user_id).values(changed))
    assert compare_words(application.registry) is False
    assert find("shell") == []
    with database.write() as session:
        session.execute(sa.update(PersonWalk).values(started=get_now() - MILLISECONDS_BETWEEN_WALKS - 1))
    assert compare_words(application.registry) is False
    assert find("shell") == ["susan"]
    # No longer active: looked for after the others.
    assert words_of(database, user_id) == {"susan": 3, "kettle": 4, "from": 5, "a": 5, "shell": 5}


def test_another_rule_of_words_makes_them_anew(application, database, add, find):
    add("susan", "Kettle")
    with database.write() as session:
        session.execute(sa.insert(PersonWalk).values(rule="0", started=get_now(), finished=get_now()))
        session.execute(sa.update(PersonWord).values(word=sa.func.replace(PersonWord.word, "t", "z")))
    assert find("kettle") == []
    assert compare_words(application.registry) is False
    assert find("kettle") == ["susan"]
    with database.read() as session:
        assert session.scalars(sa.select(PersonWalk.rule)).all() == [get_version()]


def test_nobody_is_no_fault_of_the_worker(application):
    assert compare_words(application.registry) is False
    assert compare_words(application.registry) is False


def test_before_the_worker_came_people_are_found_by_their_nickname(database, add, find):
    user_id = add("susan", "Kettle")
    with database.write() as session:
        session.execute(sa.delete(PersonWord))
        assert find_owner_id(session, "susan") == user_id
    assert (find("sus"), find("kettle")) == (["susan"], [])


def test_somebody_without_any_word_is_found_by_their_nickname(database, add, find):
    user_id = add("__")
    assert words_of(database, user_id) == {}
    assert (find("_"), find("__")) == (["__"], ["__"])
