"""Writing a post."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from wtforms import BooleanField, Field, HiddenField, StringField, TextAreaField
from wtforms.validators import Optional, StopValidation, ValidationError

from microblog.formdata import Upload
from microblog.i18n import _
from microblog.media.names import is_name
from microblog.media.shown import ShownPicture
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


FILES = "pictures"  # the name of the field for files
MOST_PICTURES = 20  # that a form names
ALT_CHARACTERS = 1500


def check_name_of_picture(form: Any, field: Any) -> None:
    if not is_name(field.data):
        raise ValidationError(BROKEN)


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


class Texts(Field):
    """All texts that were sent under this name: a list."""

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = valuelist


def check_not_empty(form: Any, field: Any) -> None:
    """A post of pictures alone needs no text."""
    if form.has_pictures:
        if not field.data:
            raise StopValidation
        return
    Rule(check_visible)(form, field)


def check_pictures(form: Any, field: Any) -> None:
    """Only those that our page can have sent."""
    if not all(is_name(name) for name in field.data or ()) or len(field.data or ()) > MOST_PICTURES:
        raise ValidationError(BROKEN)


def check_texts_of_pictures(form: Any, field: Any) -> None:
    texts = field.data or []
    if len(texts) > len(form.picture.data or ()):
        raise ValidationError(BROKEN)
    for text in texts:
        for rule in (no_control_characters, AtMost(ALT_CHARACTERS)):
            rule(form, SimpleNamespace(data=text))


class PictureForm(LanguageForm):
    """What belongs to pictures in the form of a post. `picture` are the names of those that are stored
    already, and `alt` the texts that stand for them, in the same order; new ones are files, `pictures`.
    `add` and `remove` are buttons, which change the pictures and do not publish the post; `remove` is the
    name of one.
    """

    takes_files = frozenset({FILES})

    picture = Texts("", [check_pictures])
    alt = Texts("", [check_texts_of_pictures])
    sensitive = BooleanField(_("Sensitive: hide the pictures until somebody asks for them"))
    add = HiddenField("")
    remove = HiddenField("", [Optional(), check_name_of_picture])

    def __init__(self, request: Request, **more: Any) -> None:
        super().__init__(request, **more)
        # What is known of the pictures; None until they are looked up (`microblog/posts/pictures.py`).
        self.shown: list[ShownPicture] | None = None
        self.alt.data = [to_unix_lines(text) for text in self.alt.data or ()]

    @property
    def files(self) -> list[Upload]:
        """The files that were sent; a field without one sends none."""
        if self.request.method != "POST":
            return []
        sent = self.request.POST.getall(FILES)
        return [value for value in sent if isinstance(value, Upload)]

    def validate(self, extra_validators: Any = None) -> bool:
        valid = super().validate(extra_validators)
        # Browsers send a field without a file as an empty text.
        if self.request.method == "POST" and any(
            isinstance(value, str) and value for value in self.request.POST.getall(FILES)
        ):
            self.form_errors.append(BROKEN)
            return False
        return valid

    @property
    def has_pictures(self) -> bool:
        return bool(self.picture.data or self.files)

    @property
    def is_about_pictures(self) -> bool:
        """Was a button pressed that changes the pictures, and does not publish the post?"""
        return bool(self.add.data or self.remove.data)


class PostForm(PictureForm):
    body = TextAreaField(
        _("What is on your mind?"),
        [check_not_empty, no_control_characters, check_max_length, check_names],
        [to_unix_lines],
    )


class ReplyForm(PostForm):
    """Its ids are those of a post, since a page may have several: one for each post that is answered."""

    body = TextAreaField(
        _("Your reply"),
        [check_not_empty, no_control_characters, check_max_length, check_names],
        [to_unix_lines],
    )

    def __init__(self, request: Request, post_id: int) -> None:
        super().__init__(request)
        for field in self:
            field.id = f"{field.name}-{post_id}"


class EditForm(LanguageForm):
    """`version` is the number of the version with which the editing began. A post that `has_pictures`, which
    stay as they are, may have no text."""

    has_pictures = False

    body = TextAreaField(
        _("The text of the post"),
        [check_not_empty, no_control_characters, check_max_length, check_names],
        [to_unix_lines],
    )
    version = HiddenField("")

    def validate(self, extra_validators: Any = None) -> bool:
        valid = super().validate(extra_validators)
        if parse_id(self.get_text("version")) is None:
            self.form_errors.append(BROKEN)
            return False
        return valid
