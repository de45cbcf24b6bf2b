"""The utilities that ask the health checks and watch the worker, one of each in a process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zope.interface import Interface

if TYPE_CHECKING:
    from microblog.health.readiness import Readiness
    from microblog.health.watch import Watch
    from microblog.request import Registry


class IReadiness(Interface):
    """`microblog.health.readiness.Readiness`"""


class IWatch(Interface):
    """`microblog.health.watch.Watch`"""


def get_readiness(registry: Registry) -> Readiness:
    found: Readiness = registry.getUtility(IReadiness)
    return found


def get_watch(registry: Registry) -> Watch:
    found: Watch = registry.getUtility(IWatch)
    return found
