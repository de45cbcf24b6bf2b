"""What an operator can put right."""

from __future__ import annotations


class OperatorError(Exception):
    """It did not work; the message is a sentence that says what happened and what to do.

    Commands show it and end with status 1. What somebody wants to catch is a subclass.
    """
