"""What happens to posts (see `microblog.events`)."""

from __future__ import annotations

from dataclasses import dataclass

from microblog.events import Change


@dataclass(frozen=True, slots=True, kw_only=True)
class PostWritten(Change):
    """There is a new post. It may be published only later, and its author may take it back until then."""

    post_id: int
    author_id: int
    body: str
    language: str | None
    reply_to: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PostPublished(Change):
    """From now on others see a post: in the transaction in which it was written, or in one of the worker."""

    post_id: int
    author_id: int
    reply_to: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PostHeld(Change):
    """Nobody sees a post, new or edited, until a moderator has looked at it. `reason` is for them."""

    post_id: int
    author_id: int
    body: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PostDeleted(Change):
    """A post was deleted."""

    post_id: int
    author_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PostLanguageChanged(Change):
    """A post has another language. `imported` says that it was detected later, for an old post."""

    post_id: int
    language: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PostEdited(Change):
    """A post has another text: its version of this number. When it `is_held`, nobody sees it now."""

    post_id: int
    author_id: int
    body: str
    language: str | None
    version: int
    is_held: bool = False
