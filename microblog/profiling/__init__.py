"""Profiles of requests, and the pages that show them."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.i18n import _
    from microblog.profiling.resources import ProfilesPage
    from microblog.profiling.settings import PROFILER_DIRECTORY, SETTINGS
    from microblog.web.navigation import is_admin

    config.declare_settings(*SETTINGS)
    config.include("microblog.profiling.tween")
    config.add_folder("profiles", config.registry.microblog[PROFILER_DIRECTORY])
    config.add_admin_page("profiles", _("Profiles"), ProfilesPage)
    config.add_nav_item(
        "profiles",
        _("Profiles"),
        lambda request: request.link("admin", "profiles", ""),
        shown=lambda request: is_admin(request) and request.microblog[PROFILER_DIRECTORY] is not None,
        slot="footer",
        order=20,
    )
    config.add_command("profile", "microblog.profiling.commands.profile", order=80)
