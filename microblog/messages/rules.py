"""Who may write to whom, and what."""

from __future__ import annotations

from microblog.i18n import _
from microblog.texts import InvalidText, check_characters, check_graphemes, is_blank

EVERYBODY, FOLLOWED, NOBODY = "everybody", "followed", "nobody"
SENDERS = (EVERYBODY, FOLLOWED, NOBODY)


class CannotWrite(Exception):
    """Somebody may not write to somebody; the message is a sentence for the author."""


def check_visible(body: str) -> None:
    """:raises InvalidText: when there is nothing to see."""
    if is_blank(body):
        raise InvalidText(_("Write something first: a message cannot be empty."))


def check_body(body: str, *, max_length: int) -> None:
    """All rules of a message's text, after `to_unix_lines`.

    :raises InvalidText: for the first rule that it breaks.
    """
    check_visible(body)
    check_characters(body)
    check_graphemes(body, max_length)


def find_refusal(
    *,
    is_gone: bool = False,
    is_oneself: bool = False,
    i_block: bool = False,
    blocks_me: bool = False,
    senders: str = EVERYBODY,
    follows_me: bool = False,
    has_written_to_me: bool = False,
) -> str | None:
    """Why I may not write to a person, as a sentence; None when I may.

    `senders` is whom they let write to them. Whom they have written to themselves can always answer.
    """
    is_let = has_written_to_me or senders == EVERYBODY or (senders == FOLLOWED and follows_me)
    refusals = (
        (is_gone, _("This account was deleted or suspended, so nobody would read an answer.")),
        (is_oneself, _("You cannot write to yourself.")),
        (i_block, _("You have blocked this person, so neither of you can write to the other.")),
        (blocks_me, _("This person has blocked you, so neither of you can write to the other.")),
        (is_let, None),
        (senders == FOLLOWED, _("Only people whom they follow can write to this person.")),
    )
    return next(
        (sentence for applies, sentence in refusals if applies),
        _("This person does not want to get messages."),
    )
