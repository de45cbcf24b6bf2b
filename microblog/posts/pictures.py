"""The pictures of a post: in the form in which it is written, and on pages (`/posts/{id}/pictures/{n}`).

A file that was sent is decoded and stored at once, in a transaction of its own, so that a form which is
refused has lost nothing: it comes back with the names of its pictures, which wait for the next attempt.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import zip_longest
from typing import Any

from markupsafe import escape

from microblog.formdata import Upload
from microblog.i18n import Message, _, n_
from microblog.media import actions as media
from microblog.media import queries
from microblog.media.plans import POST
from microblog.media.sending import BYTES_OF_A_MEGABYTE
from microblog.media.settings import ALT_TEXT, PICTURES_PER_POST, QUOTA, REQUIRED
from microblog.media.shown import ShownPicture, ShownPictures
from microblog.media.storing import drop_files, store_uploads
from microblog.posts.forms import PictureForm
from microblog.posts.queries import PostRow
from microblog.posts.resources import PicturePage
from microblog.request import Request
from microblog.security.limits.counting import count_at_once
from microblog.web.forms import BROKEN
from microblog.web.pages import page_view

NO_TEXT = _("Describe each picture for people who cannot see it. On this site no picture is without a text.")
NO_ROOM = _("Your pictures take as much room as they may on this site: delete some, or leave these out.")


def describe_gone(count: int) -> Message:
    return n_(
        "%(count)s picture is not here any longer: it is in another post by now, or has waited for more "
        "than a day. Add it again.",
        "%(count)s pictures are not here any longer: they are in another post by now, or have waited for "
        "more than a day. Add them again.",
        count,
    )


def describe_most(most: int) -> Message:
    return n_(
        "A post can have %(count)s picture: leave out the others.",
        "A post can have %(count)s pictures: leave out the others.",
        most,
    )


class FormPictures:
    """What becomes of the pictures of a form that was sent.

    `status` is that of the page with the form, if it comes back. What it shows is `form.shown`.
    """

    def __init__(self, request: Request, form: PictureForm) -> None:
        self._request = request
        self._form = form
        self.status = 422

    def accept(self) -> bool:
        """Validate the form, and store the pictures that were sent; False when its page comes back, with the
        reasons, or because a button was pressed that only changes the pictures."""
        form = self._form
        is_valid = form.validate()
        if not form.is_about_pictures:
            is_stored = self._receive()
            return self._check_texts() and is_valid and is_stored
        if self._receive() and not form.form_errors:
            self.status = 200
        for field in form:  # nothing is published, so nothing has to be right yet
            field.errors = []
        return False

    def make_shown(self) -> ShownPictures:
        """What the post says of its pictures."""
        return ShownPictures(tuple(self._form.shown or ()), bool(self._form.sensitive.data))

    def refuse_gone(self) -> None:
        """Some went into another post while this one was written: in another tab, by a form sent before."""
        self.status = 409
        self._form.shown = None
        _, gone = find_stored(self._request, self._form)
        self._form.form_errors.append(describe_gone(max(1, gone)))

    def _receive(self) -> bool:
        form = self._form
        if form.picture.errors or form.alt.errors or form.remove.errors:
            form.form_errors.append(BROKEN)
            return False
        form.shown, gone = find_stored(self._request, form)
        if form.remove.data:
            with self._request.registry.database.write() as session:
                media.discard(session, self._request.me.id, [form.remove.data])
        errors = [describe_gone(gone)] if gone else []
        errors += self._store_files(form.files)
        form.form_errors.extend(errors)
        return not errors

    def _check_texts(self) -> bool:
        """Has each picture a text, where the site wants one?"""
        shown = self._form.shown or ()
        if self._request.microblog[ALT_TEXT] != REQUIRED or all(each.alt.strip() for each in shown):
            return True
        self._form.form_errors.append(NO_TEXT)
        return False

    def _store_files(self, uploads: Sequence[Upload]) -> list[Message]:
        if not uploads:
            return []
        request, shown = self._request, self._form.shown or []
        most = request.microblog[PICTURES_PER_POST]
        if len(shown) + len(uploads) > most:
            return [describe_most(most)]
        request.end_reading()  # to decode takes seconds
        count_at_once(request, "pictures")
        stored, troubles = store_uploads(request.registry, uploads, POST)
        if any(trouble.is_ours for trouble in troubles):
            self.status = 503
        sentences = list(dict.fromkeys(trouble.sentence for trouble in troubles))
        if stored:
            quota = request.microblog[QUOTA] * BYTES_OF_A_MEGABYTE
            try:
                with request.registry.database.write() as session:
                    media.keep(session, request.me.id, POST, stored, quota=quota)
            except media.QuotaExceeded:
                drop_files(request.registry, stored)
                return [*sentences, NO_ROOM]
        added = [ShownPicture(each.name, each.width, each.height, each.color) for each in stored]
        self._form.shown = [*shown, *added]
        return sentences


def find_stored(request: Request, form: PictureForm) -> tuple[list[ShownPicture], int]:
    """The pictures that a form names, and how many of them are not here any longer."""
    names = [name for name in dict.fromkeys(form.picture.data or ()) if name != form.remove.data]
    if not names or request.identity is None:
        return [], 0
    texts = dict(zip_longest(form.picture.data, form.alt.data or (), fillvalue=""))
    rows = queries.list_waiting(request.dbsession, request.me.id, names, POST)
    shown = [ShownPicture(row.name, row.width, row.height, row.color, texts[row.name]) for row in rows]
    return shown, len(names) - len(rows)


def list_form_pictures(request: Request, form: PictureForm) -> list[ShownPicture]:
    """What the page of a form shows; also of one that was kept, of which nothing was looked up yet."""
    return find_stored(request, form)[0] if form.shown is None else form.shown


# On the page


def count_most_pictures(request: Request) -> int:
    """How many pictures a post may have; 0 where nobody has room for one."""
    return request.microblog[PICTURES_PER_POST] if request.microblog[QUOTA] else 0


def draw_pictures(request: Request, post: PostRow) -> str:
    """HTML: the pictures of a post, each a link to its page; "" without any.

    Their room is kept before they come: by their width and height, in their mean colour.
    """
    pictures = post.pictures.pictures
    if not pictures:
        return ""
    catalogue = request.post_texts.catalogue
    folder, address = escape(request.link("media", "")), f"{request.post_texts.posts}{post.id}/pictures/"
    sizes = "(max-width: 40rem) 100vw, 36rem" if len(pictures) == 1 else "(max-width: 40rem) 50vw, 18rem"
    drawn = "\n".join(
        draw_picture(each, number, folder, address, sizes, catalogue)
        for number, each in enumerate(pictures, 1)
    )
    html = f'<div class="post-pictures" data-count="{len(pictures)}">\n{drawn}\n</div>\n'
    if not post.pictures.is_sensitive:
        return html
    count = len(pictures)
    show = catalogue.ngettext(
        "Sensitive: show the picture", "Sensitive: show %(number)s pictures", count, number=count
    )
    return f'<details class="post-sensitive"><summary>{show}</summary>\n{html}</details>\n'


def draw_picture(
    picture: ShownPicture, number: int, folder: str, address: str, sizes: str, catalogue: Any
) -> str:
    name = ""
    if not picture.alt:
        label = catalogue.gettext("Picture %(number)s", number=number)
        name = f' aria-label="{escape(label)}"'
    return (
        f'<a class="post-picture" href="{address}{number}"{name} data-view>'
        f'<svg aria-hidden="true"><rect width="100%" height="100%" fill="{escape(picture.color)}"/></svg>'
        f'<img src="{folder}{picture.get_file(1)}" srcset="{folder}{picture.get_file(1)} '
        f'{picture.get_width(1)}w, {folder}{picture.get_file(0)} {picture.get_width(0)}w" sizes="{sizes}" '
        f'alt="{escape(picture.alt)}" width="{picture.width}" height="{picture.height}" '
        f'loading="lazy" decoding="async"></a>'
    )


@page_view(context=PicturePage, renderer="templates/picture.jinja2")
def picture(page: PicturePage, request: Request) -> Any:
    """One picture, as large as there is, with the text that stands for it."""
    return {"post": page.post, "picture": page.picture, "number": page.number, "count": page.count}


def includeme(config: Any) -> None:
    config.add_template_global("form_pictures", lambda request: partial(list_form_pictures, request))
    config.add_template_global("most_pictures", count_most_pictures)
