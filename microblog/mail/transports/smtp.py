"""Mail to a mail server."""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from typing import Any

from zope.interface import implementer

from microblog.mail.interfaces import IMailTransport, MailError
from microblog.mail.messages import get_addresses, get_domain, get_sender, needs_utf8, to_bytes, to_one_line
from microblog.mail.settings import (
    SMTP_CA,
    SMTP_HOST,
    SMTP_PASSWORD,
    SMTP_PORT,
    SMTP_TIMEOUT,
    SMTP_TLS,
    SMTP_USER,
)
from microblog.settings import Settings

LONGEST_ANSWER = 200  # characters
PERMANENT = 500  # answers from here on are final (RFC 5321)
# smtplib limits only the time between two parts of an answer: a server that sends a byte now and then could
# hold us for ever. All answers together may take so many times the limit of one.
TIMEOUTS_IN_ALL = 6


class TimeLimit:
    """Closes a connection after so many seconds. `answer` is what the server said after the whole mail."""

    def __init__(self, seconds: float) -> None:
        self.is_over = False
        self.answer = ""
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self._smtp: smtplib.SMTP | None = None

    def apply_to(self, base: type[smtplib.SMTP]) -> type[smtplib.SMTP]:
        """A subclass whose connection ends when time is up."""
        limit = self

        class Limited(base):  # type: ignore[misc, valid-type]
            def connect(self, *arguments: Any, **options: Any) -> Any:
                limit._smtp = self
                limit._timer.start()
                return super().connect(*arguments, **options)

            def data(self, *arguments: Any) -> Any:
                code, text = super().data(*arguments)
                limit.answer = format_answer(code, text)
                return code, text

        return Limited

    def cancel(self) -> None:
        self._timer.cancel()

    def _end(self) -> None:
        self.is_over = True
        connected: Any = self._smtp
        with suppress(OSError, AttributeError):  # there may be no socket yet, or no longer
            connected.sock.shutdown(socket.SHUT_RDWR)


@implementer(IMailTransport)
class SMTPTransport:
    """Opens a connection for each mail: mails are few, and servers close idle connections."""

    name = "smtp"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._server = f"{settings[SMTP_HOST]}:{settings[SMTP_PORT]}"

    def send(self, message: EmailMessage) -> str:
        data = to_bytes(message)
        (sender,), to = get_addresses(message, "From"), get_addresses(message, "To")
        # Not smtplib's send_message: it puts a > before lines that begin with "From".
        options = ("SMTPUTF8", "BODY=8BITMIME") if needs_utf8(message) else ()
        limit = self._make_limit()
        with self._explain_errors(), self._connect(limit) as smtp:
            if options and not smtp.has_extn("SMTPUTF8"):
                raise smtplib.SMTPNotSupportedError("SMTPUTF8 extension not supported by server.")
            refused = smtp.sendmail(sender, to, data, options)
        if refused:
            raise self._explain_refusal(refused)
        accepted = f"The mail server {self._server} has accepted the mail to {', '.join(to)}"
        return f"{accepted} ({limit.answer})."

    def check(self) -> str:
        with self._explain_errors(), self._connect(self._make_limit()) as smtp:
            code, answer = smtp.noop()
            if code >= 400:
                raise smtplib.SMTPResponseException(code, answer)
        return f"The mail server {self._server} accepts mail."

    def _make_limit(self) -> TimeLimit:
        return TimeLimit(TIMEOUTS_IN_ALL * self._settings[SMTP_TIMEOUT])

    @contextmanager
    def _connect(self, limit: TimeLimit) -> Iterator[smtplib.SMTP]:
        """A connection that is greeted, encrypted and logged in, as the settings say."""
        settings = self._settings
        address = settings[SMTP_HOST], settings[SMTP_PORT]
        # By default, smtplib queries the name server for the name of this machine, without a time limit.
        options: dict[str, Any] = {
            "local_hostname": get_domain(get_sender(settings)[1]),
            "timeout": settings[SMTP_TIMEOUT],
        }
        smtp: smtplib.SMTP | None = None
        try:
            if settings[SMTP_TLS] == "tls":
                options["context"] = self._make_tls_context()
                smtp = limit.apply_to(smtplib.SMTP_SSL)(*address, **options)
            else:
                smtp = limit.apply_to(smtplib.SMTP)(*address, **options)
            if settings[SMTP_TLS] == "starttls":
                smtp.starttls(context=self._make_tls_context())
            smtp.ehlo_or_helo_if_needed()
            user, password = settings[SMTP_USER], settings[SMTP_PASSWORD]
            if user is not None and password is not None:
                smtp.login(user, password)
            yield smtp
            # The server has accepted the mail: an error of QUIT is no failure.
            with suppress(OSError, smtplib.SMTPException):
                smtp.quit()
        except (OSError, smtplib.SMTPServerDisconnected):
            if limit.is_over:
                raise TimeoutError from None
            raise
        finally:
            limit.cancel()
            if smtp is not None:
                smtp.close()

    def _make_tls_context(self) -> ssl.SSLContext:
        """Trusts the authorities of the system, and that of the settings."""
        context = ssl.create_default_context()
        authority = self._settings[SMTP_CA]
        if authority is not None:
            try:
                context.load_verify_locations(authority)
            except OSError as error:  # ssl.SSLError is one
                raise MailError(
                    f"The certificate in {authority} cannot be read ({error.strerror or 'it is none'}): "
                    f"check {SMTP_CA.key}.",
                    temporary=False,
                ) from error
        return context

    @contextmanager
    def _explain_errors(self) -> Iterator[None]:
        """:raises MailError: for every error of the connection, with what to do about it."""
        try:
            yield
        except ssl.SSLCertVerificationError as error:
            raise MailError(
                f"The certificate of the mail server {self._server} is not trusted "
                f"({error.verify_message}): check {SMTP_HOST.key} and {SMTP_CA.key}.",
                temporary=False,
            ) from error
        except ssl.SSLError as error:
            raise MailError(
                f"The mail server {self._server} does not speak TLS as {SMTP_TLS.key} says "
                f"({error.reason}): try another value or another port.",
                temporary=False,
            ) from error
        except smtplib.SMTPNotSupportedError as error:
            raise MailError(
                f"The mail server {self._server} cannot do what is asked of it "
                f"({to_one_line(str(error), LONGEST_ANSWER)}): check {SMTP_TLS.key} and {SMTP_USER.key}. "
                "An address with letters beyond ASCII needs SMTPUTF8.",
                temporary=False,
                is_about_mail="SMTPUTF8" in str(error),
            ) from error
        except smtplib.SMTPRecipientsRefused as error:
            raise self._explain_refusal(error.recipients) from error
        except smtplib.SMTPAuthenticationError as error:
            raise MailError(
                f"The mail server {self._server} refuses the login ({format_error(error)}): "
                f"check {SMTP_USER.key} and {SMTP_PASSWORD.key}.",
                temporary=error.smtp_code < PERMANENT,
            ) from error
        except smtplib.SMTPResponseException as error:
            raise MailError(
                f"The mail server {self._server} refuses the mail ({format_error(error)}): "
                "do what it says, or ask its operator.",
                temporary=error.smtp_code < PERMANENT,
                is_about_mail=isinstance(error, smtplib.SMTPDataError),
            ) from error
        except smtplib.SMTPServerDisconnected as error:
            raise self._explain_silence(error.__context__) from error
        except smtplib.SMTPException as error:
            raise MailError(
                f"The mail server {self._server} offers no supported login method "
                f"({to_one_line(str(error), LONGEST_ANSWER)}): check {SMTP_USER.key} and {SMTP_TLS.key}.",
                temporary=False,
            ) from error
        except (OSError, UnicodeError) as error:  # the latter for an invalid host name
            raise self._explain_silence(error) from error

    def _explain_silence(self, error: BaseException | None) -> MailError:
        check = f"check {SMTP_HOST.key}, {SMTP_PORT.key} and {SMTP_TLS.key}, and that it runs."
        if isinstance(error, TimeoutError):
            seconds = f"{self._settings[SMTP_TIMEOUT]:g} seconds"
            return MailError(
                f"The mail server {self._server} did not answer within {seconds}: {check}", temporary=True
            )
        if isinstance(error, OSError) and error.strerror:
            return MailError(
                f"The mail server {self._server} cannot be reached ({error.strerror}): {check}",
                temporary=True,
            )
        return MailError(f"The mail server {self._server} closed the connection: {check}", temporary=True)

    def _explain_refusal(self, refused: dict[str, tuple[int, bytes]]) -> MailError:
        """The server refuses the mail to these addresses."""
        answers = "; ".join(f"{to}: {format_answer(code, text)}" for to, (code, text) in refused.items())
        return MailError(
            f"The mail server {self._server} does not accept mail to {answers}. Check the address.",
            temporary=any(code < PERMANENT for code, _ in refused.values()),
            is_about_mail=True,
        )


def format_error(error: smtplib.SMTPResponseException) -> str:
    return format_answer(error.smtp_code, error.smtp_error)


def format_answer(code: int, text: bytes | str) -> str:
    """An answer of the server, on one line."""
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return f"{code} {to_one_line(said, LONGEST_ANSWER)}"
