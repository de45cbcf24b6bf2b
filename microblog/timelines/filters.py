"""What somebody leaves out of their home timeline: `/account/filters`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from wtforms import BooleanField, TextAreaField
from wtforms.validators import ValidationError

from microblog.accounts.models import MUTED_WORDS_CODE_POINTS
from microblog.accounts.resources import Account
from microblog.folding import fold
from microblog.i18n import _
from microblog.posts.languages import name_language
from microblog.posts.queries import PostRow
from microblog.request import Request
from microblog.texts import to_unix_lines
from microblog.timelines import queries
from microblog.web.forms import Form, no_control_characters
from microblog.web.pages import page_view
from microblog.words import compile_words, split_words

MOST_WORDS = 100
LONGEST_WORD = 60  # code points
SHOWN = 20  # code points of one that is too long
LOOKED_AT = 4_000  # code points of a post, from its beginning: home may read hundreds of them
TOO_MANY = _("At most %(most)s words.", most=MOST_WORDS)
TOO_LONG_TOGETHER = _(
    "All words together may have at most %(most)s characters.", most=MUTED_WORDS_CODE_POINTS
)


def make_home_filter(request: Request) -> Callable[[PostRow], bool] | None:
    """`is_left_out(post)` as the reader wants it; None when nothing is left out."""
    me = request.me
    pattern = compile_words(me.muted_words)
    languages = frozenset(request.read_languages) if me.only_read_languages else None
    if pattern is None and languages is None:
        return None

    def is_left_out(post: PostRow) -> bool:
        if post.author_id == me.id:
            return False
        if languages is not None and not is_read(post.language, languages):
            return True
        return pattern is not None and pattern.search(fold(post.body[:LOOKED_AT])) is not None

    return is_left_out


def is_read(language: str | None, languages: frozenset[str]) -> bool:
    """May somebody who reads these languages read a post in this one, which may be unknown?"""
    code = (language or "und").partition("-")[0].lower()
    return code == "und" or code in languages


def check_words(form: Any, field: Any) -> None:
    words = split_words(field.data or "")
    if len(words) > MOST_WORDS:
        raise ValidationError(TOO_MANY)
    for word in words:
        if len(word) > LONGEST_WORD:
            raise ValidationError(
                _(
                    "A word may have at most %(most)s characters: “%(word)s…” is longer.",
                    most=LONGEST_WORD,
                    word=word[:SHOWN],
                )
            )
    if len("\n".join(words)) > MUTED_WORDS_CODE_POINTS:
        raise ValidationError(TOO_LONG_TOGETHER)


class FiltersForm(Form):
    words = TextAreaField(_("Words to mute"), [no_control_characters, check_words], filters=[to_unix_lines])
    only_read_languages = BooleanField(_("Show only posts in languages that I read"))


@page_view(
    context=Account,
    name="filters",
    methods=("GET", "POST"),
    permission="edit",
    repeatable=True,
    renderer="templates/filters.jinja2",
)
def filters(account: Account, request: Request) -> Any:
    me = request.me
    form = FiltersForm(request, data={"words": me.muted_words, "only_read_languages": me.only_read_languages})
    if request.method == "POST":
        if form.validate():
            words = "\n".join(split_words(form.get_text("words")))
            queries.save_filters(
                request.begin_write(), me.id, words, only_read_languages=form.only_read_languages.data
            )
            request.flash(_("Your filters have been saved."))
            return HTTPSeeOther(location=request.link("account", "filters"))
        request.response.status_int = 422
    read = [name_language(request.locale, code) for code in request.read_languages]
    return {"form": form, "languages_read": request.list_items(read)}
