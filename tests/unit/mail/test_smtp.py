"""Mail servers in every mood: each failure is a sentence that says what to do, and whether to try again."""

from __future__ import annotations

import shutil

import pytest

from microblog.mail.interfaces import MailError
from microblog.mail.messages import make_message
from microblog.mail.transports.smtp import SMTPTransport
from tests.sink import (
    LOGIN,
    Sink,
    authenticator,
    dripping_server,
    free_port,
    greeting_server,
    make_certificate,
    silent_server,
)

USER, PASSWORD = (text.decode() for text in LOGIN)


@pytest.fixture(scope="session")
def tls(tmp_path_factory):
    """(server's side of TLS, the certificate to trust)."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("Install openssl, to test the certificate of a mail server.")
    folder = tmp_path_factory.mktemp("mail-certificate")
    return make_certificate(openssl, folder), str(folder / "server.pem")


@pytest.fixture
def make(make_settings):
    """A transport to this port."""

    def make(port, **values):
        values = {"mail_smtp_host": "127.0.0.1", "mail_smtp_timeout": "20"} | values
        return SMTPTransport(
            make_settings(
                mail="smtp", mail_sender="microblog@example.org", mail_smtp_port=str(port), **values
            )
        )

    return make


def message(transport, *to):
    mail = make_message(transport._settings, to[0] if to else "susan@example.com", "Hello", "Text.")
    if len(to) > 1:
        mail.replace_header("To", ", ".join(to))
    return mail


def refusal(transport, *to):
    with pytest.raises(MailError) as caught:
        transport.send(message(transport, *to))
    assert str(caught.value).endswith(".")
    return caught.value


def test_a_mail_is_taken_by_the_server(make):
    with Sink() as sink:
        transport = make(sink.port)
        said = transport.send(message(transport))
    server = f"127.0.0.1:{sink.port}"
    assert said == f"The mail server {server} has accepted the mail to susan@example.com (250 OK)."
    (mail,) = sink.mails
    assert (mail.sender, mail.to, mail.text) == ("microblog@example.org", ["susan@example.com"], "Text.\n")


@pytest.mark.parametrize(("answer", "temporary"), [("550 Nobody here", False), ("451 Later", True)])
def test_an_address_may_be_refused_for_good_or_for_now(make, answer, temporary):
    with Sink(answers={"susan@example.com": answer}) as sink:
        error = refusal(make(sink.port))
    assert f"does not accept mail to susan@example.com: {answer}. Check the address." in str(error)
    assert error.temporary is temporary


def test_a_mail_that_is_refused_for_one_of_two_addresses_fails(make):
    with Sink(answers={"gone@example.com": "550 Gone"}) as sink:
        error = refusal(make(sink.port), "susan@example.com", "gone@example.com")
    assert "gone@example.com: 550 Gone" in str(error)
    assert [mail.to for mail in sink.mails] == [["susan@example.com"]]


@pytest.mark.parametrize(("answer", "temporary"), [("554 Spam\x1b", False), ("452 Full", True)])
def test_a_mail_may_be_refused(make, answer, temporary):
    with Sink(answers={"DATA": answer}) as sink:
        error = refusal(make(sink.port))
    assert f"refuses the mail ({answer.rstrip(chr(27))}): do what it says" in str(error)
    assert error.temporary is temporary


def test_a_server_that_says_goodbye_badly_has_taken_the_mail(make):
    with Sink(answers={"QUIT": "451 Stay"}) as sink:
        transport = make(sink.port)
        transport.send(message(transport))
    assert len(sink.mails) == 1


def test_nobody_listens(make):
    port = free_port()
    error = refusal(make(port))
    assert f"127.0.0.1:{port} cannot be reached (Connection refused): check microblog.mail.smtp.host" in str(
        error
    )
    assert error.temporary


@pytest.mark.parametrize("host", ["a..b", "nowhere.invalid"])
def test_a_host_that_is_none(make, host):
    error = refusal(make(25, mail_smtp_host=host))
    assert f"The mail server {host}:25" in str(error)
    assert "check microblog.mail.smtp.host" in str(error)


def test_a_server_that_says_nothing_is_waited_for_as_long_as_was_set(make):
    with silent_server() as port:
        error = refusal(make(port, mail_smtp_timeout="0.1"))
    assert "did not answer within 0.1 seconds: check" in str(error)
    assert error.temporary


@pytest.mark.parametrize("letter", [b"2", b"220-Hello\r\n"])
def test_a_server_that_never_ends_its_answer_is_not_waited_for_either(make, letter):
    with dripping_server(letter) as port:
        error = refusal(make(port, mail_smtp_timeout="0.1"))
    assert "did not answer within 0.1 seconds: check" in str(error)
    assert error.temporary


def test_a_server_that_breaks_off(make):
    with greeting_server(b"220 Hello\r\n") as port:
        error = refusal(make(port))
    assert "closed the connection" in str(error)
    assert error.temporary


def test_a_server_that_does_not_want_us_at_all(make):
    with greeting_server(b"554 Go away\r\n") as port:
        error = refusal(make(port))
    assert "refuses the mail (554 Go away)" in str(error)
    assert not error.temporary


@pytest.mark.parametrize("way", ["starttls", "tls"])
def test_a_mail_goes_encrypted_to_a_server_that_is_trusted(make, tls, way):
    context, certificate = tls
    options = {"ssl_context": context} if way == "tls" else {"tls_context": context, "require_starttls": True}
    with Sink(**options) as sink:
        transport = make(sink.port, mail_smtp_tls=way, mail_smtp_ca_certificate=certificate)
        transport.send(message(transport))
        assert "accepts mail" in transport.check()
    assert len(sink.mails) == 1


@pytest.mark.parametrize("way", ["starttls", "tls"])
def test_a_server_that_is_not_trusted_gets_nothing(make, tls, way):
    context, _ = tls
    options = {"ssl_context": context} if way == "tls" else {"tls_context": context}
    with Sink(**options) as sink:
        error = refusal(make(sink.port, mail_smtp_tls=way))
    assert "is not trusted" in str(error)
    assert "check microblog.mail.smtp.host and microblog.mail.smtp.ca_certificate." in str(error)
    assert not error.temporary
    assert sink.mails == []


def test_a_server_that_cannot_encrypt_gets_nothing(make):
    with Sink() as sink:
        error = refusal(make(sink.port, mail_smtp_tls="starttls"))
    assert "cannot do what is asked of it (STARTTLS extension not supported by server.)" in str(error)
    assert sink.mails == []


def test_tls_spoken_to_a_server_that_does_not(make):
    with Sink() as sink:
        error = refusal(make(sink.port, mail_smtp_tls="tls"))
    assert "does not speak TLS as microblog.mail.smtp.tls says" in str(error)


@pytest.mark.parametrize("content", ["", "no certificate"])
def test_a_certificate_that_cannot_be_read(make, tmp_path, content):
    file = tmp_path / "authority.pem"
    if content:
        file.write_text(content)
    error = refusal(make(25, mail_smtp_tls="tls", mail_smtp_ca_certificate=str(file)))
    assert f"The certificate in {file} cannot be read" in str(error)


def test_a_login_that_is_right(make, tls):
    context, certificate = tls
    with Sink(tls_context=context, authenticator=authenticator, auth_required=True) as sink:
        transport = make(
            sink.port,
            mail_smtp_tls="starttls",
            mail_smtp_ca_certificate=certificate,
            mail_smtp_user=USER,
            mail_smtp_password=PASSWORD,
        )
        transport.send(message(transport))
    assert len(sink.mails) == 1


def test_a_login_that_is_wrong(make, tls):
    context, certificate = tls
    with Sink(tls_context=context, authenticator=authenticator, auth_required=True) as sink:
        error = refusal(
            make(
                sink.port,
                mail_smtp_tls="starttls",
                mail_smtp_ca_certificate=certificate,
                mail_smtp_user=USER,
                mail_smtp_password="wrong password",
            )
        )
    assert "refuses the login (535" in str(error)
    assert "check microblog.mail.smtp.user and microblog.mail.smtp.password." in str(error)
    assert "wrong password" not in str(error)
    assert not error.temporary


class Strange(Sink):
    """Offers a login of its own only."""

    async def auth_RIDDLE(self, server, arguments):
        raise NotImplementedError


def test_a_login_of_a_kind_that_nobody_knows(make, tls):
    context, certificate = tls
    with Strange(tls_context=context, auth_exclude_mechanism=["LOGIN", "PLAIN"]) as sink:
        error = refusal(
            make(
                sink.port,
                mail_smtp_tls="starttls",
                mail_smtp_ca_certificate=certificate,
                mail_smtp_user=USER,
                mail_smtp_password=PASSWORD,
            )
        )
    assert "offers no supported login method" in str(error)


def test_an_address_beyond_ascii_needs_a_server_that_knows_them(make):
    with Sink(enable_SMTPUTF8=False) as sink:
        error = refusal(make(sink.port), "zoë@example.com")
    assert "needs SMTPUTF8" in str(error)
    assert not error.temporary


def test_a_check_says_what_the_server_says(make):
    with Sink(answers={"NOOP": "451 Busy"}) as sink, pytest.raises(MailError, match="451 Busy") as caught:
        make(sink.port).check()
    assert caught.value.temporary
