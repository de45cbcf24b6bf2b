"""The normal form of a password, and which are found within few guesses."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microblog.accounts import passwords
from microblog.accounts.guessing import is_guessed, is_known_word
from microblog.accounts.rules import (
    check_password,
    check_password_length,
    check_typed_password,
    get_known_words,
)
from microblog.texts import InvalidText

COMPOSED = "pässwörd für zwölf"
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)

# Of the lists that are published after each leak, and of keyboards.
COMMON = """
    password 12345678 123456789 1234567890 qwertyuiop iloveyou princess sunshine football baseball superman
    trustno1 1qaz2wsx password1 password123 passw0rd p@ssw0rd qwerty123 1q2w3e4r 1q2w3e4r5t zaq12wsx
    letmein1 welcome1 abcd1234 abc12345 asdfghjkl zxcvbnm1 11111111 00000000 88888888 aaaaaaaa abcdefgh
    87654321 123123123 987654321 computer starwars whatever jennifer michelle corvette mercedes liverpool
    chocolate butterfly elizabeth christian alexander samantha maverick midnight internet hunter22 13051997
    """.split()  # noqa: SIM905  # quoted words are harder to read
UNCOMMON = [
    "correct horse battery staple",
    "my dog likes it",
    "ein Pferd, eine Klammer",
    "pferd klammer batterie",
    "Tr0ub4dor&3",
    "пароль для друга",
    "私の犬は元気です",
    "🙂🐎🔋📎🌱🚲🎻🧊",
    "x7#kQ9!vLm2p",
]


@pytest.mark.parametrize("password", COMMON)
@pytest.mark.parametrize("spell", [str, str.upper, str.capitalize], ids=["", "upper", "capital"])
def test_a_common_password_is_refused_in_any_case(password, spell):
    """FOUNDATION 6, line 15: those of the lists (docs/adr/0032), in any case."""
    assert is_guessed(spell(password))


@pytest.mark.parametrize("password", UNCOMMON)
def test_a_few_words_in_a_row_are_not_refused(password):
    assert not is_guessed(password)


def test_what_everybody_knows_of_somebody_is_refused():
    known = get_known_words("susan_k", "sue.kramer@example.com", "Bücherwurm")
    for word in ("SUSAN_K", "sue.kramer", "Sue.Kramer@example.com", "bücherwurm", "BU\u0308CHERWURM"):
        assert is_known_word(word, known), word
    assert not is_known_word("sue.kramer2", known)
    assert is_guessed("sue.kramer1", known)
    assert not is_guessed("sue.kramer and her horse", known)


def test_who_has_no_address_and_whose_site_has_no_name_have_no_empty_word():
    assert get_known_words("susan", None, "") == ("susan",)


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("susansusan", "one of those that are tried first"),
        ("susan@example.com", "the name of the site is tried first"),
        ("MICROBLOG", "the name of the site is tried first"),
        ("qwertyuiop", "one of those that are tried first"),
    ],
)
def test_why_it_is_refused_is_said(password, words):
    known = get_known_words("susan", "susan@example.com", "microblog")
    with pytest.raises(InvalidText, match=words):
        check_password(password, known)


def test_the_longest_password_is_looked_at():
    longest = ("a long password, " * 100)[: passwords.MOST_CHARACTERS]
    check_password(longest, ())
    assert is_guessed("a" * passwords.MOST_CHARACTERS)


# The normal form


def test_both_spellings_of_a_letter_are_one_password():
    for hashed in (COMPOSED, DECOMPOSED):
        password_hash = passwords.hash_password(hashed)
        for typed in (COMPOSED, DECOMPOSED):
            assert passwords.verify_password(password_hash, typed)
            assert not passwords.needs_rehash(password_hash, typed)
        assert not passwords.verify_password(password_hash, COMPOSED.upper())


def test_any_space_is_a_space():
    password_hash = passwords.hash_password("four words\u00a0in\u3000row")
    assert passwords.verify_password(password_hash, "four words in row")
    assert not passwords.verify_password(password_hash, " four words in row")


def test_a_hash_of_what_was_typed_before_passwords_had_a_normal_form_is_right_and_made_anew():
    old = passwords.HASHER.hash(DECOMPOSED)
    assert passwords.verify_password(old, DECOMPOSED)
    assert passwords.needs_rehash(old, DECOMPOSED)
    assert not passwords.verify_password(old, f"{DECOMPOSED}!")
    assert not passwords.needs_rehash(passwords.HASHER.hash("plain text"), "plain text")


@settings(deadline=None)
@given(st.text())
def test_the_normal_form_is_its_own_normal_form(text):
    normal = passwords.normalise(text)
    assert passwords.normalise(normal) == normal
    assert passwords.normalise(unicodedata.normalize("NFD", text)) == normal


def test_what_is_far_too_long_is_not_put_in_order():
    """That takes the square of the length; it is refused anyway."""
    marks = "a" + "\u0316\u0301" * 500_000
    assert passwords.normalise(marks) is marks
    for check in (check_password_length, check_typed_password):
        with pytest.raises(InvalidText):
            check(marks)


@pytest.mark.parametrize("check", [check_password_length, check_typed_password])
def test_the_length_is_counted_in_the_normal_form(check):
    check("u\u0308" * passwords.MOST_CHARACTERS)
    with pytest.raises(InvalidText):
        check("ü" * (passwords.MOST_CHARACTERS + 1))


def test_too_few_letters_are_too_few_however_they_are_spelled():
    with pytest.raises(InvalidText, match="8 to 1,000 characters"):
        check_password_length("u\u0308" * 7)
