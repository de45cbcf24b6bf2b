"""Tells the admins of what goes wrong, and does not tell them the same thing again and again.

An alert is the one mail that does not wait in the database: its cause is a failure, often of the database.
It goes through a bounded queue to a thread, from there to the mail transport, and the log is the last resort.
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

from microblog.mail.interfaces import MailError
from microblog.mail.messages import LONGEST_SUBJECT, plain_message
from microblog.mail.settings import ADMINS
from microblog.monitoring.interfaces import IAlerts
from microblog.monitoring.ledger import Group, Ledger
from microblog.monitoring.settings import ALERTS_EVERY, ALERTS_STATE
from microblog.pages import SITE_NAME

log = logging.getLogger(__name__)

QUEUE_LENGTH = 500
LONGEST_BODY = 20_000  # characters
SECONDS_TO_CLOSE = 5.0
# What could not be sent is tried again after so long, together with what has happened meanwhile.
SECONDS_AFTER_A_FAILURE = 300.0
LEAST_WAIT_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Alert:
    """`key` is that of its group, `moment` seconds since 1970."""

    key: str
    subject: str
    body: str
    moment: float


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to send about the group `key`; it tells of `count` times."""

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

    The thread starts with the first alert; without it somebody has to call `work`. `now` gives the seconds
    since 1970.
    """

    def __init__(
        self, registry: Any, *, now: Callable[[], float] = time.time, has_thread: bool = True
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
                log.warning("%d alerts wait already: those that come now are not mailed.", QUEUE_LENGTH)
            return
        self._start_thread()
        self._wake.set()

    def start(self) -> None:
        """For a server or worker: what was counted before it started is told in its time."""
        if not self._admins:
            return
        with self._ledger.groups() as groups:
            is_any_counted = any(group.count for group in groups.values())
        if is_any_counted:
            self._start_thread()

    def close(self) -> None:
        with self._starting:
            self._is_closed = True
            thread, self._thread = self._thread, None
        atexit.unregister(self.close)
        if thread is None:
            return
        self._wake.set()
        thread.join(SECONDS_TO_CLOSE)
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
            except RuntimeError:  # there can be no more threads; perhaps with the next alert
                self._thread = None
                log.warning("There is no thread for alerts: they wait.")
                return
            # Whoever ends without `close`, such as pserve or a command, tells what it knows too.
            atexit.register(self.close)

    def _run(self) -> None:
        while True:
            self._wake.wait(self._seconds_until_due())
            self._wake.clear()
            is_closed = self._is_closed
            try:
                self.work(is_last=is_closed)
            except Exception:
                log.exception("Alerts could not be handled.")
            if is_closed:
                return

    def _seconds_until_due(self) -> float | None:
        """Until the next summary, as far as this process knows; None when there is none to come."""
        moments = [group.sent + self._every for group in self._ledger.known.values() if group.count]
        if not moments:
            return None
        # Not longer either: the clock may have been ahead when the last one was sent.
        return max(LEAST_WAIT_SECONDS, min(self._every, min(moments) - self._now()))

    def work(self, *, is_last: bool = False) -> None:
        """Do what can be done now: count what waits, send what is due. Returns when that is done.

        What nobody else would know of is sent with `is_last`, even if it is not due.
        """
        with self._working:
            alerts = self._take()
            now = self._now()
            with self._ledger.groups() as groups:
                mails = [mail for alert in alerts if (mail := self._note(groups, alert, now)) is not None]
                mails += self._summaries(groups, now, everything=is_last and self._ledger.path is None)
            for mail in mails:
                if not self._send(mail):
                    self._give_back(mail, now)

    def _take(self) -> list[Alert]:
        alerts: list[Alert] = []
        while len(alerts) < QUEUE_LENGTH and not self._queue.empty():
            alerts.append(self._queue.get_nowait())
        self._is_overflowing = False
        return alerts

    def _is_over(self, group: Group, now: float) -> bool:
        """May there be another mail about it? Also when the clock was put back."""
        return not 0 <= now - group.sent < self._every

    def _note(self, groups: dict[str, Group], alert: Alert, now: float) -> Mail | None:
        """Count it; its mail when it is the first."""
        group = groups.get(alert.key)
        if group is None or (group.count == 0 and self._is_over(group, now)):
            groups[alert.key] = Group(alert.subject, now)
            again = f"If it happens again, one mail tells how often, in {self._pause} at the earliest."
            body = f"{alert.body.rstrip()}\n\n{self._footer(again)}"
            return Mail(alert.key, alert.subject, body, 1, alert.moment, alert.moment, alert.subject)
        group.subject = alert.subject
        group.first = group.first if group.count else alert.moment
        group.last = alert.moment
        group.count += 1
        return None

    def _summaries(self, groups: dict[str, Group], now: float, *, everything: bool) -> list[Mail]:
        """Mails about what was counted and is due; what did not happen again is forgotten."""
        mails = []
        for key, group in list(groups.items()):
            if not (everything or self._is_over(group, now)):
                continue
            if group.count == 0:
                del groups[key]
                continue
            mails.append(self._summary(key, group))
            groups[key] = Group(group.subject, now)
        return mails

    def _summary(self, key: str, group: Group) -> Mail:
        times = "once more" if group.count == 1 else f"{group.count:,} more times"
        span = f"at {moment(group.last)}"
        if group.count > 1:
            span = f"from {moment(group.first)} to {moment(group.last)}"
        again = f"If it goes on, the next mail about it comes in {self._pause} at the earliest."
        body = (
            f"{group.subject}\n\nIt has happened {times} since the last mail about it, {span}.\n"
            f"The log tells of each time.\n\n{self._footer(again)}"
        )
        subject = f"{times}: {group.subject}"
        return Mail(key, subject, body, group.count, group.first, group.last, group.subject)

    @property
    def _pause(self) -> str:
        return str(format_timedelta(self._every, threshold=1, locale="en"))

    def _footer(self, again: str) -> str:
        return f"-- \n{again}\nSent by process {os.getpid()} on {socket.gethostname()}.\n"

    def _send(self, mail: Mail) -> bool:
        """Has any of the admins got it? Each gets one of their own: an address that is refused costs the
        others nothing."""
        settings = self._registry.microblog
        subject = f"[{settings[SITE_NAME]}] {mail.subject}"
        sent = 0
        for admin in self._admins:
            try:
                self._registry.mail.send(plain_message(settings, admin, subject, mail.body))
            except MailError as error:
                log.error("The alert “%s” was not sent to %s. %s", mail.subject, admin, error)
                self._registry.numbers.count("mails", result="failed")
            except Exception:
                log.exception("The alert “%s” was not sent to %s.", mail.subject, admin)
                self._registry.numbers.count("mails", result="failed")
            else:
                sent += 1
                self._registry.numbers.count("mails", result="sent")
        return sent > 0

    def _give_back(self, mail: Mail, now: float) -> None:
        """Nobody got it: it counts for the next mail, which comes earlier than usual."""
        with self._ledger.groups() as groups:
            group = groups.setdefault(mail.key, Group(mail.about, now))
            group.first = mail.first
            group.last = max(group.last, mail.last)
            group.count += mail.count
            group.sent = now - self._every + min(self._every, SECONDS_AFTER_A_FAILURE)


def moment(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def includeme(config: Any) -> None:
    config.registry.alerts = Alerts(config.registry)
