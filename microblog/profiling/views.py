"""The pages that show profiles, for admins."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

from pyramid.httpexceptions import HTTPBadRequest, HTTPNotFound
from pyramid.response import Response

from microblog.i18n import _
from microblog.paging import KeyCursor
from microblog.profiling import profiles
from microblog.profiling.resources import ProfilePage, ProfilesPage
from microblog.profiling.settings import PROFILER, PROFILER_DIRECTORY, PROFILER_FUNCTIONS
from microblog.request import Request
from microblog.web.pages import page_view
from microblog.web.paging import Keyset, read_page

PROFILES_ON_A_PAGE = 50
PROFILES = Keyset[str, str](str, str)  # by their names, the newest first


@page_view(context=ProfilesPage, renderer="templates/profiles.jinja2")
def profile_list(page: ProfilesPage, request: Request) -> Any:
    names = [] if page.folder is None else profiles.list_names(page.folder)

    def fetch(cursor: KeyCursor[str], limit: int) -> list[str]:
        return [name for name in names if not cursor.before or name < cursor.before][:limit]

    listed = read_page(request, PROFILES, fetch, size=PROFILES_ON_A_PAGE)
    found = [(name, profiles.read(page.folder, name)) for name in listed.rows] if page.folder else []
    return {
        # Profiles that another process has just removed are left out.
        "profiles": [(name, profiled) for name, profiled in found if profiled is not None],
        "newest_url": listed.previous_url,
        "older_url": listed.next_url,
        "profiler": request.microblog[PROFILER],
        "profiler_key": PROFILER.key,
        "directory_key": PROFILER_DIRECTORY.key,
        "kept": page.folder is not None,
    }


@page_view(context=ProfilePage, renderer="templates/profile.jinja2")
def profile(page: ProfilePage, request: Request) -> Any:
    sort = request.GET.get("sort") or "time"
    if sort not in profiles.ORDERS:
        raise HTTPBadRequest(_("Functions can be sorted by %(orders)s.", orders=", ".join(profiles.ORDERS)))
    functions = sorted(profiles.read_functions(page.file), key=profiles.ORDERS[sort])
    everything = request.GET.get("all") == "1"
    return {
        "name": page.__name__,
        "profiled": page.profiled,
        # Without the indentation of our source.
        "statements": [(each, dedent(each.statement).strip()) for each in page.profiled.sql],
        "functions": functions if everything else functions[: request.microblog[PROFILER_FUNCTIONS]],
        "functions_count": len(functions),
        "sort": sort,
        "all": "1" if everything else None,
    }


@page_view(context=ProfilePage, name="download")
def download(page: ProfilePage, request: Request) -> Any:
    """The .prof file, for `python -m pstats` and snakeviz."""
    try:
        content = page.file.read_bytes()
    except OSError:
        raise HTTPNotFound(_("This profile has been removed meanwhile.")) from None
    return Response(
        content,
        content_type="application/octet-stream",
        content_disposition=f'attachment; filename="{page.__name__}.prof"',
        cache_control="no-store",
        vary=("Cookie",),
    )
