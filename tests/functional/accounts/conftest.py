"""Fixtures of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.conftest import Application
from tests.functional.accounts.mail_site import URL, Site
from tests.sink import Sink


@pytest.fixture
def make_site(make_application: Callable[..., Application]) -> Iterator[Callable[..., Site]]:
    with Sink(enable_SMTPUTF8=True) as sink:

        def make(**settings: str) -> Site:
            given = {f"microblog.{name.replace('__', '.')}": value for name, value in settings.items()}
            return Site(make_application({**sink.settings, "microblog.url": URL, **given}), sink)

        yield make


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    return make_site()
