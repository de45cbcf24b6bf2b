"""Every page of the tree is among the scenes whose HTML, barriers and weight are checked in a browser.

The pages are those that the application knows, and no list: one that is added later fails here until it has a
scene.
"""

from __future__ import annotations

from pyramid.events import ContextFound
from webtest import TestApp

from tests.browser.conftest import Site
from tests.browser.scenes import (
    PROFILE_SCENES,
    SCENES,
    SETTINGS,
    fill,
    fill_profiles,
    profile_settings,
)

# What is at a URL and is no page to look at: a picture, a file, a redirect, words for machines.
NO_HTML = {
    "card",
    "robots.txt",
    "favicon.ico",
    "logo",
    "theme.css",
    "manifest.webmanifest",
    "updates",
    "by-beginning",
    "live",
    "ready",
    "download",
}
NO_PAGES = {"Avatar", "PictureFile", "Admin", "Posts", "UnreadCount"}


def test_every_page_of_the_tree_has_a_scene(make_application, tmp_path):
    opened: set[tuple[type, str]] = set()

    def note(event: ContextFound) -> None:
        opened.add((type(event.request.context), event.request.view_name))

    application = make_application(
        {**SETTINGS, **profile_settings(tmp_path)},
        extend=lambda config: config.add_subscriber(note, ContextFound),
    )
    filled = {**vars(fill(application)), **vars(fill_profiles(application))}
    browsers: dict[str | None, TestApp] = {None: application.browser()}
    for scene in (*SCENES, *PROFILE_SCENES):
        if scene.person is not None and scene.person not in browsers:
            browsers[scene.person] = application.browser()
            browsers[scene.person].set_cookie("session", Site(application, "").start_session(scene.person))
        browsers[scene.person].get(scene.path.format(**filled), status="*")
    pages = {
        (context, name)
        for context, name, methods in application.registry.page_methods
        if "GET" in methods and name not in NO_HTML and context.__name__ not in NO_PAGES
    }
    assert len(pages) > 15
    assert sorted(f"{context.__name__} {name}".strip() for context, name in pages - opened) == []
