"""Tags in an index: for each tag of a post the sign `¶` and the tag in normal form, as in `¶tea`.

No word has a `¶`, so nothing that somebody types meets a tag by chance, and every adapter finds one as it
finds a word.
"""

from __future__ import annotations

from microblog.posts.tags import find_tags

TAG_MARK = "¶"
# In a tag; to the tokenizer of FTS5 the underscore itself is the end of a word.
UNDERSCORE = "¬"


def make_tag_word(tag: str) -> str:
    """The word of a tag, which is in normal form."""
    return TAG_MARK + tag.replace("_", UNDERSCORE)


def list_tag_words(body: str) -> list[str]:
    """The words of the tags of a post."""
    return [make_tag_word(tag) for tag in find_tags(body)]
