"""One address is one account, however it is spelled; accounts of the first version are found, too."""

from __future__ import annotations

import unicodedata

import pytest
import sqlalchemy as sa

from microblog.accounts import queries
from microblog.accounts.models import User
from microblog.addresses import make_email_key, to_ascii

# Spellings of one address each, the normal form first.
SPELLINGS = [
    ["user@example.org", "USER@Example.ORG", "user@example。org", "user@ｅｘａｍｐｌｅ.org"],
    [
        "user@bücher.example",
        "user@BÜCHER.example",
        "user@xn--bcher-kva.example",
        "User@XN--BCHER-KVA.Example",
        "user@bu\u0308cher.example",
    ],
    ["jürgen@example.org", "ju\u0308rgen@example.org", "JÜRGEN@example.org", "JU\u0308RGEN@EXAMPLE.org"],
    ["jürgen@bücher.example", "ju\u0308rgen@xn--bcher-kva.example", "jürgen@bu\u0308cher.example"],
    ["a@faß.de", "a@xn--fa-hia.de"],
]
VARIANTS = [(spellings[0], other) for spellings in SPELLINGS for other in spellings]


@pytest.mark.parametrize(("normal", "spelling"), VARIANTS)
def test_all_spellings_of_an_address_have_one_key(normal, spelling):
    assert make_email_key(spelling) == normal
    assert make_email_key(make_email_key(spelling)) == normal


@pytest.mark.parametrize(
    ("one", "other"),
    [("a@fass.de", "a@faß.de"), ("strasse@x.org", "straße@x.org"), ("u@x.org", "ü@x.org"), ("@", "a@")],
)
def test_addresses_that_may_be_two_mailboxes_have_two_keys(one, other):
    assert make_email_key(one) != make_email_key(other)


@pytest.mark.parametrize("text", ["", "@", "x", "a@", "@b", "a@b@c", "a@-", "a@xn--i-7iq.ws", "\udcff@x.org"])
def test_a_text_that_is_no_address_has_its_own_key(text):
    assert make_email_key(text) == text


@pytest.mark.parametrize(("normal", "spelling"), VARIANTS)
def test_a_second_account_of_an_address_is_refused_and_its_credentials_are_found(session, normal, spelling):
    susan = queries.add_user(session, "susan", email=spelling, password_hash="hash")
    assert queries.is_email_taken(session, normal)
    with pytest.raises(queries.EmailTaken):
        queries.add_user(session, "john", email=normal)
    assert queries.get_credentials(session, normal) == (susan, "hash")
    assert queries.get_credentials(session, spelling) == (susan, "hash")


def add_as_the_first_version_did(session, nickname, email):
    """It kept the key as it was typed, in lower case."""
    user_id = queries.add_user(session, nickname, password_hash=nickname)
    session.execute(sa.update(User).where(User.id == user_id).values(email=email, email_key=email.lower()))
    return user_id


@pytest.mark.parametrize("spelling", [spelling for _, spelling in VARIANTS])
def test_who_signed_up_with_the_first_version_logs_in_as_then(session, spelling):
    susan = add_as_the_first_version_did(session, "susan", spelling)
    assert queries.get_credentials(session, spelling) == (susan, "susan")
    assert queries.get_credentials(session, spelling.upper()) in [(susan, "susan"), None]
    with pytest.raises(queries.EmailTaken):
        queries.add_user(session, "john", email=spelling)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("kept", SPELLINGS[3])
@pytest.mark.parametrize("typed", SPELLINGS[3])
def test_an_account_of_the_first_version_is_found_by_other_spellings(session, kept, typed, form):
    susan = add_as_the_first_version_did(session, "susan", unicodedata.normalize(form, kept))
    assert queries.get_credentials(session, typed) == (susan, "susan")
    with pytest.raises(queries.EmailTaken):
        queries.add_user(session, "john", email=typed)


def test_of_two_accounts_that_the_first_version_gave_one_address_each_is_found_by_its_own_spelling(session):
    ids = {
        spelling: add_as_the_first_version_did(session, f"person{number}", spelling)
        for number, spelling in enumerate(SPELLINGS[1][:1] + SPELLINGS[1][2:3])
    }
    for spelling, user_id in ids.items():
        found = queries.get_credentials(session, spelling)
        assert found is not None
        assert found[0] == user_id
    # By another one it is the account with the normal form.
    found = queries.get_credentials(session, SPELLINGS[1][4])
    assert found is not None
    assert found[0] == ids[SPELLINGS[1][0]]


def test_of_somebody_whose_nickname_is_taken_nothing_stays(session):
    queries.add_user(session, "susan")
    with pytest.raises(queries.NicknameTaken):
        queries.add_user(session, "SUSAN", email="susan@example.org")
    assert session.scalars(sa.select(User.nickname)).all() == ["susan"]
    assert not queries.is_email_taken(session, "susan@example.org")


@pytest.mark.parametrize(
    ("domain", "ascii_form"),
    [("bücher.example", "xn--bcher-kva.example"), ("x" * 64 + ".example", "x" * 64 + ".example"), ("", "")],
)
def test_a_domain_has_an_ascii_form_unless_it_is_none(domain, ascii_form):
    assert to_ascii(domain) == ascii_form
