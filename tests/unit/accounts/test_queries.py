"""Statements about accounts and sessions that no page shows by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
import time_machine

from microblog.accounts import passwords, queries
from microblog.accounts.models import LoginSession, User
from microblog.db import StaleData
from tests.conftest import POSTGRESQL_URL

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def susan(session):
    return queries.add_user(session, "susan", email="Susan@Example.com", password_hash="hash")


def test_a_new_person_is_neither_an_administrator_nor_seen(session, susan):
    user = session.execute(sa.select(User.is_admin, User.last_seen, User.about_me)).one()
    assert tuple(user) == (False, None, "")


def test_two_people_cannot_share_an_address_in_any_case(session, susan):
    with pytest.raises(queries.EmailTaken):
        queries.add_user(session, "john", email="susan@example.COM")
    assert queries.add_user(session, "john", email="john@example.com") != susan


def test_two_people_cannot_share_a_nickname_in_any_case(session, susan):
    with pytest.raises(queries.NicknameTaken):
        queries.add_user(session, "SUSAN")


def test_people_without_an_address_do_not_disturb_each_other(session):
    assert queries.add_user(session, "one") != queries.add_user(session, "two")


def test_the_day_of_joining_may_be_given(session):
    user_id = queries.add_user(session, "susan", member_since=NOON)
    assert session.scalar(sa.select(User.member_since).where(User.id == user_id)) == NOON


@pytest.mark.parametrize("login", ["susan", "SuSaN", "susan@example.com", "SUSAN@EXAMPLE.COM"])
def test_credentials_are_found_by_nickname_and_address(session, susan, login):
    assert queries.get_credentials(session, login) == (susan, "hash")


@pytest.mark.parametrize("login", ["john", "", "@", "susan@", "su_an", "%"])
def test_nobody_has_other_credentials(session, susan, login):
    assert queries.get_credentials(session, login) is None


def test_a_session_ends_with_its_idle_time(session, susan):
    with time_machine.travel(NOON, tick=False) as clock:
        queries.start_session(session, susan, "hash", timedelta(hours=1))
        clock.shift(3599)
        identity = queries.find_identity(session, "hash")
        assert identity is not None
        assert (identity.id, identity.nickname, identity.seen) == (susan, "susan", NOON)
        clock.shift(1)
        assert queries.find_identity(session, "hash") is None


def test_being_seen_gives_the_session_its_idle_time_again(session, susan):
    with time_machine.travel(NOON, tick=False) as clock:
        queries.start_session(session, susan, "hash", timedelta(hours=1))
        identity = queries.find_identity(session, "hash")
        assert identity is not None
        clock.shift(3000)
        queries.mark_seen(session, identity)
        clock.shift(3599)
        assert queries.find_identity(session, "hash") is not None
    assert session.scalar(sa.select(User.last_seen)) == NOON + timedelta(seconds=3000)


def test_being_seen_brings_no_ended_session_back(session, susan):
    queries.start_session(session, susan, "hash", timedelta(hours=1))
    identity = queries.find_identity(session, "hash")
    assert identity is not None
    queries.end_session(session, "hash")
    queries.mark_seen(session, identity)
    assert queries.find_identity(session, "hash") is None


def test_no_session_is_longer_than_a_year_however_often_it_is_used(session, susan):
    with time_machine.travel(NOON, tick=False) as clock:
        queries.start_session(session, susan, "hash", timedelta(days=30))
        for _ in range(14):
            clock.shift(timedelta(days=26))
            identity = queries.find_identity(session, "hash")
            assert identity is not None
            queries.mark_seen(session, identity)
        clock.shift(timedelta(days=1))
        assert queries.find_identity(session, "hash") is None


def test_expired_sessions_are_deleted_and_the_others_stay(session, susan):
    with time_machine.travel(NOON, tick=False) as clock:
        queries.start_session(session, susan, "short", timedelta(hours=1))
        queries.start_session(session, susan, "long", timedelta(hours=3))
        clock.shift(timedelta(hours=2))
        assert queries.delete_expired_sessions(session) == 1
    assert session.scalars(sa.select(LoginSession.token_hash)).all() == ["long"]


@pytest.mark.skipif(
    not POSTGRESQL_URL, reason="Set MICROBLOG_TEST_DATABASE_URL: SQLite has one writer at a time."
)
def test_an_expired_session_that_somebody_writes_to_is_deleted_later(database):
    """Two that lock many sessions in any order would meet in a deadlock."""
    with database.write() as session:
        susan = queries.add_user(session, "susan")
        queries.start_session(session, susan, "expired", -timedelta(hours=1))
    with database.write() as writing:
        writing.execute(sa.update(LoginSession).values(seen=NOON))
        with database.write() as cleaning:
            assert queries.delete_expired_sessions(cleaning) == 0
    with database.write() as cleaning:
        assert queries.delete_expired_sessions(cleaning) == 1


def test_all_sessions_of_a_person_end_at_once(session, susan):
    john = queries.add_user(session, "john")
    for user_id, token_hash in ((susan, "one"), (susan, "two"), (john, "three")):
        queries.start_session(session, user_id, token_hash, timedelta(hours=1))
    queries.end_all_sessions(session, susan)
    assert session.scalars(sa.select(LoginSession.token_hash)).all() == ["three"]


def test_the_sessions_and_nicknames_of_a_person_go_with_the_person(session, susan):
    queries.start_session(session, susan, "hash", timedelta(hours=1))
    session.execute(sa.delete(User).where(User.id == susan))
    assert queries.find_identity(session, "hash") is None
    assert queries.find_owner_id(session, "susan") is None


def test_of_a_person_who_is_gone_nothing_is_written(session, susan):
    queries.start_session(session, susan, "hash", timedelta(hours=1))
    identity = queries.find_identity(session, "hash")
    assert identity is not None
    session.execute(sa.delete(User).where(User.id == susan))
    for write in (
        lambda: queries.start_session(session, susan, "another", timedelta(hours=1)),
        lambda: queries.hold_session(session, identity),
        lambda: queries.set_password(session, susan, "new"),
        lambda: queries.replace_hash(session, susan, verified="hash", fresh="new"),
        lambda: queries.set_admin(session, susan, is_admin=True),
        lambda: queries.change_profile(session, susan, queries.Profile("sue", "", "")),
        lambda: queries.get_profile(session, susan),
    ):
        with pytest.raises(StaleData):
            write()


def test_a_session_starts_only_for_the_hash_that_was_verified(session, susan):
    with pytest.raises(StaleData):
        queries.start_session(session, susan, "one", timedelta(hours=1), verified="another")
    queries.start_session(session, susan, "two", timedelta(hours=1), verified="hash")
    with pytest.raises(StaleData):
        queries.replace_hash(session, susan, verified="another", fresh="new")
    assert session.scalars(sa.select(LoginSession.token_hash)).all() == ["two"]


def test_an_administrator_is_made_and_unmade(session, susan):
    queries.start_session(session, susan, "hash", timedelta(hours=1))
    for is_admin in (True, False):
        queries.set_admin(session, susan, is_admin=is_admin)
        identity = queries.find_identity(session, "hash")
        assert identity is not None
        assert identity.is_admin is is_admin


def test_a_password_is_kept_as_an_argon2id_hash():
    password_hash = passwords.hash_password("correct horse")
    assert password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert passwords.verify_password(password_hash, "correct horse")
    assert not passwords.verify_password(password_hash, "correct horse ")
    assert not passwords.needs_rehash(password_hash, "correct horse")


@pytest.mark.parametrize("password_hash", [None, "", "no hash", "$argon2id$v=19$broken"])
def test_without_a_usable_hash_no_password_is_right(password_hash):
    assert not passwords.verify_password(password_hash, "nobody has this password")
    assert not passwords.verify_password(password_hash, "correct horse")
