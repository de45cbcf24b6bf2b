"""Kinds of mails for tests: a letter that people may switch off, and a secret that lasts an hour."""

from datetime import timedelta
from typing import Any


def includeme(config: Any) -> None:
    folder = "tests.plugins.letters:templates/letter"
    config.add_mail_kind("letter", folder=folder, label="Letters")
    config.add_mail_kind(
        "secret",
        folder=folder,
        label="Secrets",
        is_switchable=False,
        only_confirmed=False,
        is_secret=True,
        lasts=timedelta(hours=1),
    )
