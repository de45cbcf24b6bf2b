"""The normal form of an e-mail address: however it is spelled, it is one account's (docs/adr/0020)."""

from __future__ import annotations

import unicodedata
from contextlib import suppress

from email_validator import EmailNotValidError, ValidatedEmail, validate_email


def parsed(address: str) -> ValidatedEmail:
    """:raises EmailNotValidError: with a sentence about what is wrong with it."""
    return validate_email(address, check_deliverability=False)


def email_key(address: str) -> str:
    """The same for all spellings of an address: its case, `bücher` or `xn--bcher-kva` for the domain, and an
    `ü` that is one character or two. What is no address is only put into lower case."""
    with suppress(EmailNotValidError):
        address = parsed(address).normalized
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", address).lower())


def email_keys(address: str) -> list[str]:
    """The keys under which an account of this address may be found, the likeliest first.

    The first version kept an address as it was typed, in lower case; so two of its accounts may have
    one address in two spellings, and each is found by its own.
    """
    key = email_key(address)
    spellings = [key]
    with suppress(EmailNotValidError):
        found = parsed(key)
        spellings.append(f"{found.local_part}@{found.ascii_domain}")
    spellings += [unicodedata.normalize("NFD", spelling) for spelling in spellings]
    return list(dict.fromkeys([address.lower(), *spellings]))
