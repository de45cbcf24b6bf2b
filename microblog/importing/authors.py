"""The accounts of the authors of imported posts."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import datetime

from email_validator import EmailNotValidError
from sqlalchemy import orm

from microblog.accounts.actions import create_account, set_display_name
from microblog.accounts.nicknames import find_nickname_problem, make_nickname_key
from microblog.accounts.queries import NicknameTaken, find_gone_nicknames, make_unique_nickname
from microblog.accounts.rules import make_display_name
from microblog.addresses import list_email_keys, make_email_key, parse_address
from microblog.db import StaleData
from microblog.importing import queries


def make_author_key(name: str) -> str:
    """The key of an author whose name is not a nickname: the same for all spellings of an address, and for
    an `ü` of one code point or two."""
    return make_email_key(name) if is_address(name) else unicodedata.normalize("NFC", name)


def is_address(name: str) -> bool:
    try:
        parse_address(name)
    except EmailNotValidError:
        return False
    return True


def get_possible_names(name: str) -> list[str]:
    """The names under which an import may have recorded this author, the likeliest first.

    The first version recorded a name as the file had it: the same file finds the same authors again.
    """
    names = [name, make_author_key(name), unicodedata.normalize("NFD", name)]
    return list(dict.fromkeys(names + list_email_keys(name) if is_address(name) else names))


def get_or_add_accounts(
    session: orm.Session, since: Mapping[str, datetime]
) -> tuple[dict[str, int], dict[str, str]]:
    """The ids of authors by their names in the file; accounts that do not exist yet are added.

    `since` has the timestamp of the first post of each. Also returns the nicknames of new accounts whose
    authors' names cannot be nicknames.

    :raises StaleData: when another process adds the same person, or takes the nickname, at the same time.
    """
    possible = {name for name in since if find_nickname_problem(name, ()) is None}
    # A nickname that was reserved later still belongs to the person who has it.
    reserved = session.info["registry"].reserved_nicknames | find_gone_nicknames(session, possible)
    owners = queries.find_owners(session, possible)
    nicknames = {
        name
        for name in possible
        if make_nickname_key(name) in owners or make_nickname_key(name) not in reserved
    }
    names = {name: get_possible_names(name) for name in since if name not in nicknames}
    kept = queries.find_imported_authors(session, {one for several in names.values() for one in several})
    ids: dict[str, int] = {}
    renamed: dict[str, str] = {}
    # Sorted, so that two imports at the same time wait for each other instead of deadlocking.
    for name in sorted(since):
        if name in nicknames:
            key = make_nickname_key(name)
            if key not in owners:
                owners[key] = add_account(session, name, since[name])
            ids[name] = owners[key]
            continue
        found = next((kept[one] for one in names[name] if one in kept), None)
        if found is None:
            renamed[name] = make_unique_nickname(session, name)
            found = add_account(session, renamed[name], since[name])
            if display_name := make_display_name(name):  # not that of an address, which has an @
                set_display_name(session, found, display_name, imported=True)
        ids[name] = found
        if make_author_key(name) not in kept:  # new, or recorded by the first version without this key
            queries.record_author(session, make_author_key(name), found)
            kept[make_author_key(name)] = found
    return ids, renamed


def add_account(session: orm.Session, nickname: str, since: datetime) -> int:
    try:
        return create_account(session, nickname, member_since=since, imported=True)
    except NicknameTaken:
        raise StaleData(f"Somebody else has just taken the nickname {nickname}.") from None
