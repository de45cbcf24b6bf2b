"""The avatar and the header of a person, in the form of their profile.

A file that was sent is decoded and stored at once, in a transaction of its own, so that a form which is
refused has lost nothing: it comes back with the name of the picture, which waits for the next attempt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from microblog.accounts.forms import ProfileForm
from microblog.accounts.queries import Portraits, get_whole_profile
from microblog.formdata import Upload
from microblog.i18n import _
from microblog.media import actions as media
from microblog.media import queries
from microblog.media.names import get_file
from microblog.media.plans import AVATAR, HEADER, PLANS
from microblog.media.sending import BYTES_OF_A_MEGABYTE
from microblog.media.settings import MAX_BYTES, QUOTA
from microblog.media.storing import LEFT_OUT, StoredPicture, Trouble, drop_files, store_uploads
from microblog.request import Request
from microblog.security.limits.counting import count_at_once
from microblog.web.forms import BROKEN

PURPOSES = (AVATAR, HEADER)
GONE = _(
    "The new picture is not here any longer: it was used already, or has waited for more than a day. "
    "Choose it again."
)
CHANGED = _(
    "This picture was changed meanwhile, in another tab or window. The present one is shown here: "
    "remove it if you want to."
)
NO_ROOM = _("Your pictures take as much room as they may on this site. Delete posts with pictures first.")


@dataclass(frozen=True, slots=True)
class ShownPortrait:
    """What the form shows: the name of the `present` picture, and of a `new` one that waits; `removed` is the
    name of the one that is to go. The picture that is seen is `width` × `height` pixels large."""

    purpose: str
    field: Any
    present: str | None
    new: str | None
    removed: str
    width: int
    height: int

    @property
    def name(self) -> str | None:
        """The picture that is seen."""
        return self.new or self.present

    @property
    def file(self) -> str | None:
        """The small one."""
        return self.name and get_file(self.name, 1)


class FormPortraits:
    """What becomes of the pictures of a form. `new` and `removed` are the names of those that its person has
    chosen, and wants no longer, by purpose. `status` is that of the page with the form, if it comes back."""

    def __init__(self, request: Request, form: ProfileForm, present: Portraits) -> None:
        self._request = request
        self._form = form
        self._present: Mapping[str, str | None] = present._asdict()
        self._unwanted: list[str] = []
        self.new: dict[str, str] = {}
        self.removed: dict[str, str] = {}
        self.status = 422
        if request.method != "POST":  # a form that was kept
            for purpose in PURPOSES:
                self._find_new(purpose)

    @property
    def most_megabytes(self) -> int:
        """That a picture may have; 0 where nobody may have any."""
        settings = self._request.microblog
        return settings[MAX_BYTES] // BYTES_OF_A_MEGABYTE if settings[QUOTA] else 0

    def list_shown(self) -> list[ShownPortrait]:
        return [
            ShownPortrait(
                purpose,
                self._form[purpose],
                self._present[purpose],
                self.new.get(purpose),
                self._form.get_text(f"remove_{purpose}"),
                *PLANS[purpose].sizes[1],
            )
            for purpose in PURPOSES
        ]

    def receive(self) -> None:
        """Find the pictures that wait, and store those that were sent. What is wrong is said in the form."""
        uploads: dict[str, Upload] = {}
        for purpose in PURPOSES:
            if self._is_broken(purpose):
                self._form.form_errors.append(BROKEN)
                return
            is_there = self._find_new(purpose)
            for upload in self._form.list_files(purpose):
                uploads[purpose] = upload
            if not is_there and purpose not in uploads and not self._is_left_out(purpose):
                self._refuse(purpose, GONE, 422)
        stored = self._store(uploads)
        for purpose in PURPOSES:
            if purpose not in stored:
                self._remove(purpose)
        if self._unwanted:
            with self._request.registry.database.write() as session:
                media.discard(session, self._request.me.id, self._unwanted)

    def refuse_gone(self) -> None:
        """Another copy of this form was quicker, or the worker: look again which are here."""
        self._present = get_whole_profile(self._request.dbsession, self._request.me.id)[1]._asdict()
        for purpose in list(self.new):
            del self.new[purpose]
            if not self._find_new(purpose):
                self._refuse(purpose, GONE, 409)

    def _is_broken(self, purpose: str) -> bool:
        fields = (self._form[name] for name in (purpose, f"new_{purpose}", f"remove_{purpose}"))
        return any(field.errors for field in fields)

    def _is_left_out(self, purpose: str) -> bool:
        return self._form.get_text(f"remove_{purpose}") == self._form.get_text(f"new_{purpose}")

    def _find_new(self, purpose: str) -> bool:
        """The picture that waits is the new one; False when it does not wait any longer."""
        name = self._form.get_text(f"new_{purpose}")
        # A form that was sent twice has made it the present one already.
        if not name or name == self._present[purpose]:
            return True
        found = queries.list_waiting(self._request.dbsession, self._request.me.id, [name], purpose)
        if found:
            self.new[purpose] = name
        return bool(found)

    def _remove(self, purpose: str) -> None:
        """The new picture is left out, or the present one removed, whichever was seen."""
        name, present = self._form.get_text(f"remove_{purpose}"), self._present[purpose]
        if name and name == self.new.get(purpose):
            self._unwanted.append(self.new.pop(purpose))
        elif name and name == present:
            self.removed[purpose] = name
        elif name and present is not None and not self._is_left_out(purpose):
            self._refuse(purpose, CHANGED, 409)

    def _store(self, uploads: Mapping[str, Upload]) -> set[str]:
        """Returns the purposes of those that are stored."""
        if not uploads:
            return set()
        self._request.end_reading()  # to decode takes seconds
        count_at_once(self._request, "pictures")
        kept: set[str] = set()
        stored: list[StoredPicture] = []
        troubles: list[Trouble] = []
        for purpose, upload in uploads.items():
            if any(trouble.is_slow for trouble in troubles):
                stored, troubles = [], [LEFT_OUT]
            else:
                stored, troubles = store_uploads(self._request.registry, [upload], purpose)
            for trouble in troubles:
                self._refuse(purpose, trouble.sentence, 503 if trouble.is_ours else 422)
            kept |= {purpose for picture in stored if self._keep(purpose, picture)}
        return kept

    def _keep(self, purpose: str, picture: StoredPicture) -> bool:
        quota = self._request.microblog[QUOTA] * BYTES_OF_A_MEGABYTE
        try:
            with self._request.registry.database.write() as session:
                media.keep(session, self._request.me.id, purpose, [picture], quota=quota)
        except media.QuotaExceeded:
            drop_files(self._request.registry, [picture])
            self._refuse(purpose, NO_ROOM, 422)
            return False
        if purpose in self.new:
            self._unwanted.append(self.new[purpose])
        self.new[purpose] = picture.name
        return True

    def _refuse(self, purpose: str, sentence: Any, status: int) -> None:
        field: Any = self._form[purpose]
        field.errors = [*field.errors, sentence]
        self.status = status
