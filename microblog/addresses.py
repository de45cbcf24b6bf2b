"""E-mail addresses: what is valid, and one normal form for all spellings (docs/adr/0020)."""

from __future__ import annotations

import unicodedata
from contextlib import suppress

from email_validator import EmailNotValidError, ValidatedEmail, validate_email


def parse_address(address: str) -> ValidatedEmail:
    """:raises EmailNotValidError: with a sentence about what is wrong with it."""
    return validate_email(address, check_deliverability=False)


def make_email_key(address: str) -> str:
    """One key for all spellings of an address: its case, `bücher` or `xn--bcher-kva` for the domain, and an
    `ü` that is one character or two. Text that is no address is only put into lower case."""
    with suppress(EmailNotValidError):
        address = parse_address(address).normalized
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", address).lower())


def to_ascii(domain: str) -> str:
    """`xn--bcher-kva.example` of `bücher.example`; what is no domain stays as it is."""
    with suppress(UnicodeError):
        return domain.encode("idna").decode("ascii")
    return domain


def list_email_keys(address: str) -> list[str]:
    """The keys under which an account with this address may be stored, the likeliest first.

    The first version stored addresses as they were typed, in lower case. So two old accounts may have two
    spellings of one address, and each is found by its own.
    """
    key = make_email_key(address)
    spellings = [key]
    with suppress(EmailNotValidError):
        found = parse_address(key)
        spellings.append(f"{found.local_part}@{found.ascii_domain}")
    spellings += [unicodedata.normalize("NFD", spelling) for spelling in spellings]
    return list(dict.fromkeys([address.lower(), *spellings]))


def parse_mail_address(value: str) -> str:
    """An e-mail address with its domain in ASCII, as mail servers use it.

    `root@localhost` is one too: an operator's mail may stay on the machine.

    :raises ValueError: with the end of a sentence ("must be …").
    """
    name, _, host = value.rpartition("@")
    is_local = host == "localhost"
    try:
        valid = validate_email(
            f"{name}@host.example.org" if is_local else value,
            check_deliverability=False,
            globally_deliverable=False,
        )
    except EmailNotValidError:
        raise ValueError("must be an e-mail address, such as admin@example.org") from None
    return f"{valid.local_part}@{host if is_local else valid.ascii_domain}"
