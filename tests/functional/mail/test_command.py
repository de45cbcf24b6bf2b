"""`microblog mail test`: what an operator sees of mail that leaves, and of mail that does not."""

from __future__ import annotations

import email

import pytest

from tests.functional.commands.conftest import run, write_ini
from tests.sink import Sink, free_port


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Writes an ini file with these lines; no database is needed."""
    monkeypatch.delenv("MICROBLOG_CONFIG", raising=False)

    def site(*lines):
        more = "\n".join(["microblog.worker = off", *lines])
        return write_ini(tmp_path / "site.ini", "sqlite+pysqlite:////nowhere/x.sqlite3", more=more)

    return site


def test_a_mail_goes_into_the_folder_of_the_settings(site, tmp_path):
    ini = site("microblog.mail.folder = %(here)s/mail")
    said = run("-c", ini, "mail", "test", "susan@example.com")
    (file,) = (tmp_path / "mail").iterdir()
    assert said.output == f"The mail is in the file {file}.\n"
    mail = email.message_from_bytes(file.read_bytes())
    assert (mail["To"], mail["Subject"]) == ("susan@example.com", "[microblog] Mail works")


def test_a_mail_goes_to_the_server_of_the_settings(site):
    with Sink() as sink:
        ini = site(*(f"{key} = {value}" for key, value in sink.settings.items()))
        said = run("-c", ini, "mail", "test", "susan@example.com")
    assert "has accepted the mail to susan@example.com (250 OK)." in said.output
    assert "Since you read it, microblog can send mail." in sink.mails[0].text


def test_a_failure_is_reported_as_a_sentence(site):
    port = free_port()
    ini = site(
        "microblog.mail = smtp",
        "microblog.mail.sender = microblog@example.org",
        "microblog.mail.smtp.host = 127.0.0.1",
        f"microblog.mail.smtp.port = {port}",
    )
    said = run("-c", ini, "mail", "test", "susan@example.com", status=1)
    assert said.stderr.startswith(
        f"Error: The mail server 127.0.0.1:{port} cannot be reached (Connection refused): check "
    )


def test_an_invalid_address_is_refused(site):
    said = run("-c", site(), "mail", "test", "susan", status=1)
    assert said.stderr == "Error: This is not an e-mail address: give one such as admin@example.org.\n"
