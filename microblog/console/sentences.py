"""Turns errors into sentences for the operator."""

from __future__ import annotations

import configparser
import errno

import sqlalchemy as sa

from microblog.db import DATABASE_URL
from microblog.errors import OperatorError
from microblog.outages import AWAY, MISSING, DatabaseUnavailable
from microblog.settings import SettingsError

# Errors of a file or folder that the operator has to correct.
UNUSABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.ENAMETOOLONG)


def explain_error(error: Exception) -> str | None:
    """What happened and what to do, for errors that an operator can correct; None for a bug."""
    if isinstance(error, SettingsError):
        return f"The settings are wrong; correct them and try again:\n{error}"
    # Not its other subclasses: a broken constraint is a bug.
    if isinstance(error, sa.exc.OperationalError) or type(error) is sa.exc.DatabaseError:
        return explain_database_error(error)
    if isinstance(error, (configparser.Error, LookupError)) and is_about_ini(error):
        return f"The ini file cannot be read: {explain_ini_error(error)}"
    if isinstance(error, ModuleNotFoundError) and not (error.name or "").startswith("microblog"):
        return (
            f"{error.name} is not installed, but the settings ask for it: install it "
            "(`pip install 'microblog[development]'` has what development.ini needs), or take it out of them."
        )
    if isinstance(error, OSError) and error.errno in UNUSABLE:
        return (
            f"{error.filename or 'A file'} cannot be read or written ({error.strerror}): name another, or "
            "run this as a user who may."
        )
    return str(error) if isinstance(error, OperatorError) else None


def explain_database_error(error: sa.exc.DatabaseError) -> str:
    if isinstance(error, DatabaseUnavailable) and error.outage not in (AWAY, MISSING):
        return f"{error.outage.title} ({error.reason}). {error.outage.advice}"
    reason = " ".join(str(error.orig).split())
    return f"The database cannot be used ({reason}): check {DATABASE_URL.key}, and whether it runs."


def explain_ini_error(error: Exception) -> str:
    if isinstance(error, configparser.InterpolationError):
        # Without the error's own message, which repeats the value, and that may be a secret.
        return f"write a % as %% in {error.option} of [{error.section}]."
    return " ".join(str(error).split())


def is_about_ini(error: Exception) -> bool:
    """PasteDeploy raises a bare LookupError for a missing section."""
    return isinstance(error, configparser.Error) or "in config" in str(error)
