"""Profiles requests: all of them in development, in production those with a signed value.

The tween is added only if the setting asks for it. It is over the transaction and the error pages, so that
the COMMIT is part of the profile.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from microblog.observing import get_observation
from microblog.profiling.profiles import COOKIE, HEADER, Profiled, find_refusal, write
from microblog.profiling.settings import PROFILER, PROFILER_DIRECTORY, PROFILER_FUNCTIONS, PROFILER_KEEP
from microblog.profiling.thread_profile import Profile, build_statistics, create_profile, is_another_profiling
from microblog.request import Registry, Request
from microblog.security.headers import HEADERS_TWEEN
from microblog.security.settings import SECRET
from microblog.web.errors import ERRORS_TWEEN

log = logging.getLogger(__name__)


def profiling_tween(handler: Callable[[Any], Any], registry: Registry) -> Callable[[Any], Any]:
    """Profiles all requests, or those with a signed value; a response header names the profile, or says why
    there is none."""
    on_demand = registry.microblog[PROFILER] == "on_demand"

    def profiling(request: Request) -> Any:
        if on_demand:
            value = request.headers.get(HEADER) or request.cookies.get(COOKIE)
            if not value:
                return handler(request)
            why_not = find_refusal(registry.microblog[SECRET], value, request.path_info)
            if why_not is not None:
                return handle_unprofiled(handler, request, why_not)
        if is_another_profiling():
            return handle_unprofiled(handler, request, "another profiler is at work")
        return handle_profiled(handler, request)

    return profiling


def handle_unprofiled(handler: Callable[[Any], Any], request: Request, why_not: str) -> Any:
    log.info("Not profiled: %s %r: %s.", request.method, request.path_info, why_not)
    response = handler(request)
    response.headers[HEADER] = f"not profiled: {why_not}"
    return response


def handle_profiled(handler: Callable[[Any], Any], request: Request) -> Any:
    """Profile `handler`, and write the profile to the log and the folder; the response."""
    observation = get_observation(request)
    observation.recorded = []
    began = datetime.now(UTC)
    profile = create_profile()
    response: Any = None
    profile.enable()
    try:
        response = handler(request)
    finally:
        profile.disable()
        sql, observation.recorded = tuple(observation.recorded), None
        path = request.path_info
        stats, table = format_report(profile, request.registry.microblog[PROFILER_FUNCTIONS])
        log.info("PATH: %r\n%s", path, table)
        name = keep(
            Profiled(
                began=began.isoformat(),
                request_id=observation.id,
                method=request.method,
                path=path,
                status=None if response is None else response.status_int,
                context_name=observation.context_name,
                view_name=observation.view_name,
                seconds=stats.total_tt,
                calls=stats.total_calls,
                sql=sql,
            ),
            stats,
            request.registry.microblog,
        )
    response.headers[HEADER] = name or "profiled"
    return response


def format_report(profile: Profile, functions: int) -> tuple[Any, str]:
    """The statistics, and a text with the totals and the functions that took longest."""
    output = io.StringIO()
    stats = build_statistics(profile, output)
    stats.sort_stats("time", "calls").print_stats(functions)
    return stats, output.getvalue().strip("\n")


def keep(request: Profiled, stats: Any, settings: Any) -> str | None:
    """Write the profile to the folder; its name, or None without a folder or when it cannot be written."""
    folder = settings[PROFILER_DIRECTORY]
    if folder is None:
        return None
    try:
        return write(folder, request, stats, keep=settings[PROFILER_KEEP])
    except OSError as error:
        log.warning("The profile of %r was not kept in %s: %s.", request.path, folder, error.strerror)
        return None


def includeme(config: Any) -> None:
    if config.registry.microblog[PROFILER] != "false":
        config.add_tween(f"{__name__}.{profiling_tween.__name__}", over=ERRORS_TWEEN, under=HEADERS_TWEEN)
