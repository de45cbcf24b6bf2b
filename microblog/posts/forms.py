"""Writing a post."""

from __future__ import annotations

from typing import Any

from wtforms import HiddenField, StringField, TextAreaField
from wtforms.validators import Optional, ValidationError

from microblog.i18n import _
from microblog.paging import parse_id
from microblog.posts.mentions import MOST_FOUND
from microblog.posts.rules import check_mentions, check_tags, check_visible, is_known_language
from microblog.request import Request
from microblog.settings import Setting, whole_number
from microblog.texts import InvalidText, to_unix_lines
from microblog.web.forms import BROKEN, AtMost, Form, Rule, no_control_characters

NO_LANGUAGE = _("This is not the code of a language, as de or pt-BR are.")
MAX_LENGTH = Setting(
    "microblog.posts.max_length",
    whole_number(1, 100_000),
    280,
    "Characters that a post may have, as a reader counts them.",
)

MAX_MENTIONS = Setting(
    "microblog.posts.max_mentions",
    whole_number(0, MOST_FOUND),
    50,
    "People whom a post may mention.",
)
MAX_TAGS = Setting(
    "microblog.posts.max_tags", whole_number(0, MOST_FOUND), 30, "Different tags that a post may have."
)


def check_max_length(form: Any, field: Any) -> None:
    AtMost(form.request.microblog[MAX_LENGTH])(form, field)


def check_names(form: Any, field: Any) -> None:
    """Neither too many mentions nor too many tags."""
    settings = form.request.microblog
    try:
        check_mentions(field.data, settings[MAX_MENTIONS])
        check_tags(field.data, settings[MAX_TAGS])
    except InvalidText as error:
        raise ValidationError(error.args[0]) from None


def check_language(form: Any, field: Any) -> None:
    if not is_known_language(field.data):
        raise ValidationError(NO_LANGUAGE)


def normalize_tag(text: Any) -> Any:
    """`pt-br` of ` pt_BR`."""
    return text.strip().replace("_", "-").lower() if isinstance(text, str) else text


class LanguageForm(Form):
    """Nothing is chosen: the language is detected."""

    language = StringField(_("Language of the post"), [Optional(), check_language], [normalize_tag])


class PostForm(LanguageForm):
    body = TextAreaField(
        _("What is on your mind?"),
        [Rule(check_visible), no_control_characters, check_max_length, check_names],
        [to_unix_lines],
    )


class ReplyForm(PostForm):
    """Its ids are those of a post, since a page may have several: one for each post that is answered."""

    body = TextAreaField(
        _("Your reply"),
        [Rule(check_visible), no_control_characters, check_max_length, check_names],
        [to_unix_lines],
    )

    def __init__(self, request: Request, post_id: int) -> None:
        super().__init__(request)
        for field in self:
            field.id = f"{field.name}-{post_id}"


class EditForm(PostForm):
    """`version` is the number of the version with which the editing began."""

    body = TextAreaField(
        _("The text of the post"),
        [Rule(check_visible), no_control_characters, check_max_length, check_names],
        [to_unix_lines],
    )
    version = HiddenField("")

    def validate(self, extra_validators: Any = None) -> bool:
        valid = super().validate(extra_validators)
        if parse_id(self.get_text("version")) is None:
            self.form_errors.append(BROKEN)
            return False
        return valid
