"""Mail in a folder: each a file, complete and private, or a sentence."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from microblog.mail.interfaces import MailError
from microblog.mail.messages import make_message
from microblog.mail.transports.folder import FolderTransport


def test_a_mail_is_a_file_that_only_its_owner_reads(make_settings, tmp_path):
    settings = make_settings(mail_folder=str(tmp_path / "mail"))
    transport = FolderTransport(settings)
    assert not (tmp_path / "mail").exists()
    said = transport.send(make_message(settings, "a@example.org", "Hello", "Text"))
    (file,) = (tmp_path / "mail").iterdir()
    assert said == f"The mail is in the file {file}."
    assert file.suffix == ".eml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_written_is_said(make_settings, tmp_path):
    Path(tmp_path / "file").touch()
    settings = make_settings(mail_folder=str(tmp_path / "file" / "mail"))
    transport = FolderTransport(settings)
    for action in (
        transport.check,
        lambda: transport.send(make_message(settings, "a@example.org", "x", "y")),
    ):
        with pytest.raises(
            MailError, match=r"cannot be written \(Not a directory\): check microblog"
        ) as caught:
            action()
        assert caught.value.temporary
