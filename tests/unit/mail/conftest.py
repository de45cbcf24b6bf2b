"""Settings of the mail room without an application."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from microblog.mail.settings import SETTINGS, check_together
from microblog.security.settings import PUBLIC_URL
from microblog.settings import Settings


def settings_of(**values: str) -> Settings:
    """`settings_of(mail_folder="x")`: keys of `microblog.`, their dots as underscores."""
    declared = {setting.variable.removeprefix("MICROBLOG_").lower(): setting for setting in SETTINGS}
    declared["url"] = PUBLIC_URL
    settings = Settings({declared[name].key: value for name, value in values.items()}, {})
    settings.declare(PUBLIC_URL, *SETTINGS)
    check_together(settings)
    settings.freeze()
    return settings


@pytest.fixture
def make_settings() -> Callable[..., Any]:
    return settings_of
