"""Alerts without an application: settings, a folder or a server for their mail, and a clock to move."""

from __future__ import annotations

import email
import threading
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

from pyramid.registry import Registry
from zope.interface import implementer

from microblog.alerts import settings as alerts
from microblog.alerts.reporting import Alerts
from microblog.mail.interfaces import IMailTransport
from microblog.mail.settings import SETTINGS, check_together
from microblog.mail.transports import make_transport
from microblog.measuring import IMetrics
from microblog.security.settings import PUBLIC_URL
from microblog.settings import Settings
from microblog.web.pages import SITE_NAME
from microblog.web.settings import CONTACT

START = 1_800_000_000.0
HOUR = 3600


class Clock:
    """Moves when a test says so."""

    def __init__(self):
        self.now = START

    def __call__(self):
        return self.now

    def move(self, seconds):
        self.now += seconds


class ClockThatFailsOnce(Clock):
    """The first time that the thread of the alerts looks at it."""

    def __init__(self):
        super().__init__()
        self.has_failed = threading.Event()

    def __call__(self):
        if threading.current_thread() is not threading.main_thread() and not self.has_failed.is_set():
            self.has_failed.set()
            raise RuntimeError("broken")
        return super().__call__()


@implementer(IMetrics)
class Counted:
    """Counts like the metrics."""

    def __init__(self):
        self.results = []

    def count(self, name, **labels):
        assert name == "mails"
        self.results.append(labels["result"])


class Office:
    """Alerts whose mail goes to a folder; without a thread they do nothing before a test says so."""

    def __init__(self, folder: Path, *, has_thread=False, clock=None, **values):
        self.folder = folder / "mail"
        ini = {
            "microblog.admins": "susan@example.org",
            "microblog.mail.folder": str(self.folder),
            **values,
        }
        self.registry = Registry()
        self.registry.microblog = Settings(ini, {})
        self.counted = Counted()
        self.registry.registerUtility(self.counted, IMetrics)
        self.registry.microblog.declare(PUBLIC_URL, SITE_NAME, *SETTINGS, *alerts.SETTINGS, CONTACT)
        check_together(self.registry.microblog)
        self.registry.microblog.freeze()
        self.registry.registerUtility(make_transport(self.registry.microblog), IMailTransport)
        self.clock = clock or Clock()
        self.alerts = Alerts(self.registry, now=self.clock, has_thread=has_thread)

    def fail(self, times=1, location="views.py:41"):
        for _ in range(times):
            self.alerts.report(
                "error", f"ValueError {location}", f"ValueError at {location}", f"Trace of {location}."
            )
        self.alerts.work()

    @property
    def thread(self) -> Any:
        return self.alerts._thread

    @property
    def mails(self):
        files = sorted(self.folder.iterdir()) if self.folder.is_dir() else []
        return [email.message_from_bytes(f.read_bytes(), EmailMessage, policy=SMTP) for f in files]

    @property
    def subjects(self):
        return [str(mail["Subject"]) for mail in self.mails]
