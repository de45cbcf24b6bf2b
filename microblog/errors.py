"""Errors that an operator can correct."""

from __future__ import annotations


class OperatorError(Exception):
    """A failure; the message is a sentence that says what happened and what to do.

    Commands show it and end with status 1. Errors that callers handle are subclasses.
    """
