"""Mails the admins about faults, grouped, so that the same fault is not mailed again and again.

Alerts do not go through the outbox: their cause is a failure, often of the database. A bounded queue passes
them to a thread, which hands them to the mail transport; the log is the last resort.
"""

from __future__ import annotations

import atexit
import hashlib
import logging
import os
import queue
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from babel.dates import format_timedelta
from zope.interface import implementer

from microblog.alerts.interfaces import IAlerts, get_alerts
from microblog.alerts.ledger import Group, Ledger
from microblog.alerts.settings import ALERTS_EVERY, ALERTS_STATE
from microblog.events import AlertRaised
from microblog.mail.interfaces import MailError, get_transport
from microblog.mail.messages import LONGEST_SUBJECT, make_message
from microblog.mail.settings import ADMINS
from microblog.measuring import count
from microblog.request import Registry
from microblog.web.pages import SITE_NAME

log = logging.getLogger(__name__)

QUEUE_LENGTH = 500
LONGEST_BODY = 20_000  # characters
SECONDS_TO_CLOSE = 5.0
# What could not be sent is retried after this, together with what has happened since.
SECONDS_AFTER_A_FAILURE = 300.0
LEAST_WAIT_SECONDS = 0.05
SECONDS_BETWEEN_LOOKS = 300.0  # at the file, for what other processes left there


@dataclass(frozen=True, slots=True)
class Alert:
    """`key` is that of its group, `timestamp` seconds since 1970."""

    key: str
    subject: str
    body: str
    timestamp: float


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to send about the group `key`, which happened `count` times."""

    key: str
    subject: str
    body: str
    count: int
    first: float
    last: float
    about: str


@implementer(IAlerts)
class Alerts:
    """Groups alerts over all processes that share a ledger, and mails them to the admins.

    The thread starts with the first alert; without one, the caller has to call `work`. `now` gives the
    seconds since 1970.
    """

    def __init__(
        self, registry: Registry, *, now: Callable[[], float] = time.time, has_thread: bool = True
    ) -> None:
        settings = registry.microblog
        self._registry = registry
        self._now = now
        self._has_thread = has_thread
        self._admins = settings[ADMINS]
        self._every = settings[ALERTS_EVERY]
        self._ledger = Ledger(settings[ALERTS_STATE])
        self._queue: queue.Queue[Alert] = queue.Queue(QUEUE_LENGTH)
        self._is_overflowing = False
        self._wake = threading.Event()
        self._working = threading.Lock()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_closed = False
        self._is_watching = False

    # What others call

    def report(self, kind: str, group: str, subject: str, body: str) -> None:
        if not self._admins:
            return
        key = hashlib.sha256(f"{kind}\0{group}".encode("utf-8", "replace")).hexdigest()[:32]
        try:
            self._queue.put_nowait(Alert(key, subject[:LONGEST_SUBJECT], body[:LONGEST_BODY], self._now()))
        except queue.Full:
            if not self._is_overflowing:
                self._is_overflowing = True
                log.warning("%d alerts wait already: further ones are not mailed.", QUEUE_LENGTH)
            return
        self._start_thread()
        self._wake.set()

    def start(self) -> None:
        """For a server or worker: also mail, when it is due, what was counted before it started."""
        if not self._admins:
            return
        if self._ledger.path is not None:
            # Also what other processes leave there: a command that ended while the mail server was down.
            self._is_watching = True
            self._start_thread()

    def close(self, seconds: float = SECONDS_TO_CLOSE) -> None:
        with self._starting:
            self._is_closed = True
            thread, self._thread = self._thread, None
        atexit.unregister(self.close)
        if thread is None:
            return
        self._wake.set()
        thread.join(seconds)
        if thread.is_alive():
            log.warning("The mail server is slow: the last alerts may not have been mailed.")

    # The thread

    def _start_thread(self) -> None:
        with self._starting:
            if self._thread is not None or self._is_closed or not self._has_thread:
                return
            self._thread = threading.Thread(target=self._run, name="microblog-alerts", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:  # there are too many threads; try with the next alert
                self._thread = None
                log.warning("The thread for alerts cannot be started: alerts wait.")
                return
            # For processes that end without `close`, such as pserve or a command.
            atexit.register(self.close)

    def _run(self) -> None:
        while True:
            self._wake.wait(self._get_seconds_until_due())
            self._wake.clear()
            is_closed = self._is_closed
            try:
                self.work(is_last=is_closed)
            except Exception:
                log.exception("Alerts could not be handled.")
            if is_closed:
                return

    def _get_seconds_until_due(self) -> float | None:
        """Until the next mail, as far as this process knows; None when none is due."""
        due = [group.sent + self._every for group in self._ledger.known.values() if group.count]
        # At most one period: the clock may have been ahead when the last one was sent.
        pauses = [min(self._every, min(due) - self._now())] if due else []
        if self._is_watching:
            pauses.append(SECONDS_BETWEEN_LOOKS)
        return max(LEAST_WAIT_SECONDS, min(pauses)) if pauses else None

    def work(self, *, is_last: bool = False) -> None:
        """Count the alerts that wait, and send what is due.

        With `is_last`, also send what is not due, unless another process will.
        """
        with self._working:
            now = self._now()
            alerts = self._take()
            with self._ledger.change_groups() as groups:
                mails = [mail for alert in alerts if (mail := self._note(groups, alert, now)) is not None]
                mails += self._make_summaries(groups, now, but_not={mail.key for mail in mails})
            failed = {mail.key for mail in mails if not self._deliver(mail, now)}
            if is_last and self._ledger.path is None:
                with self._ledger.change_groups() as groups:
                    mails = self._make_summaries(groups, now, but_not=failed, everything=True)
                for mail in mails:
                    self._deliver(mail, now)

    def _take(self) -> list[Alert]:
        alerts: list[Alert] = []
        while len(alerts) < QUEUE_LENGTH and not self._queue.empty():
            alerts.append(self._queue.get_nowait())
        self._is_overflowing = False
        return alerts

    def _is_over(self, group: Group, now: float) -> bool:
        """May another mail about it be sent? True also when the clock was put back."""
        return not 0 <= now - group.sent < self._every

    def _note(self, groups: dict[str, Group], alert: Alert, now: float) -> Mail | None:
        """Count the alert; returns a mail when it is the first of its group.

        It counts as unreported until the mail has been sent: this process may be killed before.
        """
        group = groups.get(alert.key)
        if group is None or (group.count == 0 and self._is_over(group, now)):
            when = alert.timestamp
            groups[alert.key] = Group(alert.subject, now, 1, when, when, is_reported=False, body=alert.body)
            again = f"If it happens again, one mail says how often, in {self._pause} at the earliest."
            body = f"{alert.body.rstrip()}\n\n{self._make_footer(again)}"
            return Mail(alert.key, alert.subject, body, 1, when, when, alert.subject)
        group.subject = alert.subject
        group.first = group.first if group.count else alert.timestamp
        group.last = alert.timestamp
        group.count += 1
        return None

    def _make_summaries(
        self, groups: dict[str, Group], now: float, *, but_not: set[str], everything: bool = False
    ) -> list[Mail]:
        """Mails about groups that are due; a group that did not happen again is removed.

        `but_not`: the groups that have a mail already.
        """
        mails = []
        for key, group in list(groups.items()):
            is_due = everything or self._is_over(group, now)
            if is_due and group.count == 0:
                del groups[key]
            elif is_due and key not in but_not:
                make = self._make_summary if group.is_reported else self._make_late_report
                mails.append(make(key, group))
                group.sent = now
        return mails

    def _make_summary(self, key: str, group: Group) -> Mail:
        times = "once more" if group.count == 1 else f"{group.count:,} more times"
        body = (
            f"{group.subject}\n\nIt has happened {times} since the last mail about it, "
            f"{format_span(group)}.\n"
            f"The log has each occurrence.\n\n{self._make_footer(self._next_mail)}"
        )
        subject = f"{times}: {group.subject}"
        return Mail(key, subject, body, group.count, group.first, group.last, group.subject)

    def _make_late_report(self, key: str, group: Group) -> Mail:
        """A mail about a fault whose first mail could not be sent, with the text of its first alert."""
        times = "once" if group.count == 1 else f"{group.count:,} times"
        subject = group.subject if group.count == 1 else f"{times}: {group.subject}"
        body = (
            f"It has happened {times}, {format_span(group)}. It could not be reported before: the mails "
            f"about it were not sent, and the log says why.\n\n"
            f"{group.body.rstrip() or 'The log says what it is about.'}\n\n"
            f"{self._make_footer(self._next_mail)}"
        )
        return Mail(key, subject, body, group.count, group.first, group.last, group.subject)

    @property
    def _next_mail(self) -> str:
        return f"If it continues, the next mail about it comes in {self._pause} at the earliest."

    @property
    def _pause(self) -> str:
        return str(format_timedelta(self._every, threshold=1, locale="en"))

    def _make_footer(self, again: str) -> str:
        return f"-- \n{again}\nSent by process {os.getpid()} on {socket.gethostname()}.\n"

    def _send(self, mail: Mail) -> bool:
        """Was it sent to any admin? Each gets a mail of their own, so that a refused address affects no
        other.
        """
        settings = self._registry.microblog
        subject = f"[{settings[SITE_NAME]}] {mail.subject}"
        sent = 0
        transport = get_transport(self._registry)
        for admin in self._admins:
            try:
                transport.send(make_message(settings, admin, subject, mail.body))
            except MailError as error:
                log.error("The alert “%s” was not sent to %s. %s", mail.subject, admin, error)
                count(self._registry, "mails", result="failed")
            except Exception:
                log.exception("The alert “%s” was not sent to %s.", mail.subject, admin)
                count(self._registry, "mails", result="failed")
            else:
                sent += 1
                count(self._registry, "mails", result="sent")
        return sent > 0

    def _deliver(self, mail: Mail, now: float) -> bool:
        """Send the mail; if that fails, its alerts count for the next one, which comes earlier than usual."""
        is_sent = self._send(mail)
        with self._ledger.change_groups() as groups:
            # It may have been forgotten meanwhile, by another process.
            group = groups.setdefault(
                mail.key, Group(mail.about, now, mail.count, mail.first, mail.last, is_reported=False)
            )
            if is_sent:
                group.is_reported, group.body = True, ""
                group.count = max(0, group.count - mail.count)
                group.first = mail.last  # what has happened since is not earlier
            else:
                group.sent = now - self._every + min(self._every, SECONDS_AFTER_A_FAILURE)
        return is_sent


def format_span(group: Group) -> str:
    if group.count == 1:
        return f"at {format_time(group.last)}"
    return f"from {format_time(group.first)} to {format_time(group.last)}"


def format_time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def report_alert(event: AlertRaised) -> None:
    get_alerts(event.registry).report(event.kind, event.group, event.subject, event.body)


def includeme(config: Any) -> None:
    config.registry.registerUtility(Alerts(config.registry), IAlerts)
    config.add_subscriber(report_alert, AlertRaised)
