"""Does the translator work? Its metrics, and what doctor says.

A translator that is down is no reason to take a site out of service, so it is no part of `/health/ready`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import orm

from microblog.checks import FAULT, OK, WARNING, CheckedSite, Finding
from microblog.measuring import Gauge
from microblog.request import Registry
from microblog.translation.interfaces import QuotaUsedUp, TranslationFailed, TranslationOff, get_translator


def describe_translator(site: CheckedSite) -> Iterator[Finding]:
    """Does the translation service answer, and accept our key?"""
    translator = get_translator(site.registry)
    try:
        yield Finding(OK, translator.check())
    except TranslationOff:
        yield Finding(OK, "Posts are not translated (microblog.translator = none).")
    except QuotaUsedUp as failure:
        yield Finding(WARNING, f"{failure} Posts are not translated until there is a new quota.")
    except TranslationFailed as failure:
        yield Finding(FAULT, f"{failure} Look at the settings microblog.translator.{translator.name}.*.")


def read_pause(registry: Registry, session: orm.Session) -> Iterator[Gauge]:
    is_paused = registry.translations.circuit.failure is not None
    yield Gauge(
        "translator_paused", "1 while a translation service that failed is left alone.", int(is_paused)
    )


def includeme(config: Any) -> None:
    config.add_metric(
        "translations",
        "Posts that a service was asked to translate, by result.",
        labels=("result",),
        order=21,
    )
    config.add_metric("translator", read=read_pause, order=43)
    config.add_health_check("translator", details=describe_translator, order=7, needs_database=False)
