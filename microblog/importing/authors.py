"""The accounts of the authors of imported posts."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import datetime

from email_validator import EmailNotValidError
from sqlalchemy import orm

from microblog.accounts.actions import create_account
from microblog.accounts.nicknames import nickname_key, nickname_problem
from microblog.accounts.queries import NicknameTaken, make_unique_nickname
from microblog.addresses import email_key, email_keys, parse_address
from microblog.db import StaleData
from microblog.importing import queries


def author_key(name: str) -> str:
    """Of an author whose name is no nickname: the same for all spellings of an address, and for an `ü`
    that is one character or two."""
    return email_key(name) if is_address(name) else unicodedata.normalize("NFC", name)


def is_address(name: str) -> bool:
    try:
        parse_address(name)
    except EmailNotValidError:
        return False
    return True


def get_possible_names(name: str) -> list[str]:
    """The names under which an import may have kept this author, the likeliest first.

    The first version kept a name as the file had it: the same file finds the same authors again.
    """
    names = [name, author_key(name), unicodedata.normalize("NFD", name)]
    return list(dict.fromkeys(names + email_keys(name) if is_address(name) else names))


def get_or_add_accounts(
    session: orm.Session, since: Mapping[str, datetime]
) -> tuple[dict[str, int], dict[str, str]]:
    """The ids of authors by their names in the file; who is not there yet is added.

    `since` has the moment of the first post of each. The second part of the answer are the nicknames of
    new accounts of authors whose names cannot be nicknames.

    :raises StaleData: when somebody else adds the same person at this moment, or takes the nickname.
    """
    reserved = session.info["registry"].reserved_nicknames
    # A nickname may be reserved since its person came: the posts are theirs all the same.
    possible = {name for name in since if nickname_problem(name, ()) is None}
    owners = queries.owners_of_nicknames(session, possible)
    nicknames = {
        name for name in possible if nickname_key(name) in owners or nickname_key(name) not in reserved
    }
    names = {name: get_possible_names(name) for name in since if name not in nicknames}
    kept = queries.imported_authors(session, {one for several in names.values() for one in several})
    ids: dict[str, int] = {}
    renamed: dict[str, str] = {}
    # In one order, so that two imports at once wait for each other and meet in no deadlock.
    for name in sorted(since):
        if name in nicknames:
            key = nickname_key(name)
            if key not in owners:
                owners[key] = added(session, name, since[name])
            ids[name] = owners[key]
            continue
        found = next((kept[one] for one in names[name] if one in kept), None)
        if found is None:
            renamed[name] = make_unique_nickname(session, name)
            found = added(session, renamed[name], since[name])
        ids[name] = found
        if author_key(name) not in kept:  # one of the first version has it now, too
            queries.remember_author(session, author_key(name), found)
            kept[author_key(name)] = found
    return ids, renamed


def added(session: orm.Session, nickname: str, since: datetime) -> int:
    try:
        return create_account(session, nickname, member_since=since, imported=True)
    except NicknameTaken:
        raise StaleData(f"Somebody else has just taken the nickname {nickname}.") from None
