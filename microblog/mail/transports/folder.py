"""Mail as files, which mail programs can open: for sites without a mail server."""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

from zope.interface import implementer

from microblog.mail.interfaces import IMailTransport, MailError
from microblog.mail.messages import to_bytes
from microblog.mail.settings import MAIL_FOLDER
from microblog.settings import Settings


@implementer(IMailTransport)
class FolderTransport:
    """A file `TIME-RANDOM.eml` for each mail, which only the user of the process may read.

    A file of that name is always complete. The folder is created with the first mail.
    """

    name = "folder"

    def __init__(self, settings: Settings) -> None:
        self._folder = settings[MAIL_FOLDER]

    def send(self, message: EmailMessage) -> str:
        path = self._write(to_bytes(message), ".eml")
        return f"The mail is in the file {path}."

    def check(self) -> str:
        self._write(b"", ".check").unlink(missing_ok=True)
        return f"Mail is written to the folder {self._folder}."

    def _write(self, data: bytes, suffix: str) -> Path:
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}-{secrets.token_hex(4)}{suffix}"
        path, unfinished = self._folder / name, self._folder / f".{name}.tmp"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                with os.fdopen(
                    os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"
                ) as file:
                    file.write(data)
                return unfinished.rename(path)
            finally:
                unfinished.unlink(missing_ok=True)
        except OSError as error:
            raise MailError(
                f"The mail folder {self._folder} cannot be written ({error.strerror}): "
                f"check {MAIL_FOLDER.key}, and who owns it.",
                temporary=True,
            ) from error
