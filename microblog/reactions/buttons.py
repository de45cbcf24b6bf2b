"""The buttons and counts below each post. A page has dozens, so they are written without a template."""

from __future__ import annotations

from markupsafe import Markup, escape

from microblog.i18n import Message, _, n_
from microblog.posts.details import get_post_details
from microblog.posts.queries import PostRow
from microblog.request import Request
from microblog.web.pages import format_number, name_count

LABELS = {"boost": _("Boost"), "like": _("Like"), "bookmark": _("Bookmark")}
SIGN = '<svg aria-hidden="true"><use href="#sign-{name}"/></svg>'


def count_likes(number: int) -> Message:
    return n_("%(count)s like", "%(count)s likes", number)


def count_boosts(number: int) -> Message:
    return n_("%(count)s boost", "%(count)s boosts", number)


def has_reactions(request: Request, post: PostRow) -> bool:
    """Is there something to show: to a reader the buttons, to a visitor what others did?"""
    return request.reaction_texts.is_for_reader or post.likes_count > 0 or post.boosts_count > 0


class ReactionTexts:
    """The texts of all buttons of a page, in its language; and whether it has buttons."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self.is_for_reader = request.identity is not None
        self._counts: dict[tuple[str, int], tuple[str, str]] = {}
        self.insides = {
            name: f'title="{label}">{SIGN.format(name=name)}<span>{label}</span></button>'
            for name, label in ((name, escape(request.translate(text))) for name, text in LABELS.items())
        }

    def count(self, kind: str, number: int) -> tuple[str, str]:
        """The number alone, and with what it counts: "3" and "3 likes"."""
        texts = self._counts.get((kind, number))
        if texts is None:
            message = count_likes(number) if kind == "likes" else count_boosts(number)
            alone = format_number(number, str(self._request.locale))
            texts = self._counts[kind, number] = escape(alone), escape(self._request.translate(message))
        return texts


def draw_reactions(request: Request, post: PostRow) -> Markup:
    """HTML: the buttons of a reader, with counts beside them; for a visitor the counts alone."""
    address = f"{request.post_texts.posts}{post.id}"
    texts = request.reaction_texts
    counts = {
        kind: draw_count(texts, kind, number, address)
        for kind, number in (("boosts", post.boosts_count), ("likes", post.likes_count))
    }
    if not texts.is_for_reader:
        return Markup(" ".join(counts.values()))  # noqa: S704  # its texts are escaped
    mine = get_post_details(request, "reactions", post)
    buttons = (
        draw_button(texts, "boost", post.id, address, mine.boosted) + counts["boosts"],
        draw_button(texts, "like", post.id, address, mine.liked) + counts["likes"],
        draw_button(texts, "bookmark", post.id, address, mine.bookmarked),
    )
    return Markup(  # noqa: S704  # as above
        f'<span class="reactions" id="reactions-{post.id}" role="group" '
        f'aria-labelledby="post-{post.id}-author post-{post.id}-when">'
        f"<span>{'</span> <span>'.join(buttons)}</span></span>"
    )


def draw_button(texts: ReactionTexts, name: str, post_id: int, address: str, is_done: bool) -> str:
    verb, pressed = (f"un{name}", "true") if is_done else (name, "false")
    return (
        f'<button class="react" id="{name}-{post_id}" form="react" formaction="{address}/{verb}" '
        f'aria-pressed="{pressed}" {texts.insides[name]}'
    )


def draw_count(texts: ReactionTexts, kind: str, number: int, address: str) -> str:
    """A link to who did it; beside its button the number is enough for whoever sees both."""
    if not number:
        return ""
    alone, counted = texts.count(kind, number)
    if texts.is_for_reader:
        name = name_count(alone, counted)
        return f' <a class="react-count" href="{address}/{kind}" aria-label="{name}">{alone}</a>'
    return f'<a class="post-action" href="{address}/{kind}">{counted}</a>'
