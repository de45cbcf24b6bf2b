"""What a signature may be."""

from microblog.texts import InvalidText, check_characters, check_length

MOST_CHARACTERS = 200


def check_signature(text: str) -> None:
    """:raises InvalidText: with a sentence."""
    if not text:
        raise InvalidText("Write something into the guestbook first.")
    check_length(text, 1, MOST_CHARACTERS, f"A signature has at most {MOST_CHARACTERS} characters.")
    check_characters(text)
