"""The HTML of every page and the stylesheet are what the standards say: the Nu HTML checker finds nothing."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Site
from tests.browser.scenes import (
    CLOSED,
    CLOSED_SCENES,
    EMPTY_SCENES,
    PROFILE_SCENES,
    SCENES,
    SETTINGS,
    fill,
    fill_profiles,
    profile_settings,
)

pytestmark = pytest.mark.browser

# CSS Basic User Interface 4
NEWER_THAN_THE_CHECKER = ("CSS: “field-sizing”: Property “field-sizing” doesn't exist.",)
STYLESHEET = Path(__file__).parents[2] / "microblog" / "web" / "static" / "app.css"


def check(vnu: Path, files: list[Path]) -> list[str]:
    """What the checker says about these files, warnings too: a line for each."""
    options = ["--format", "json", "--exit-zero-always", "--also-check-css"]
    command = ["java", "-jar", str(vnu), *options, *map(str, files)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    return [
        f"{Path(message['url']).name}:{message.get('lastLine')}: {message['message']} "
        f"{message.get('extract')}"
        for message in json.loads(answer.stderr)["messages"]
        if message["message"] not in NEWER_THAN_THE_CHECKER
    ]


def test_the_html_of_every_page_and_the_stylesheet_are_valid(
    make_application: Any, serve: Any, open_window: Callable[..., Page], vnu: Path, tmp_path: Path
) -> None:
    def save(site: Site, scenes: Any, filled: Any = None) -> None:
        windows: dict[str | None, Page] = {}
        for scene in scenes:
            if scene.person not in windows:
                windows[scene.person] = open_window(site, nickname=scene.person)
            html = scene.play(windows[scene.person], filled).text()
            assert "</html>" in html
            (tmp_path / f"{re.sub(r'[^a-z]+', '-', scene.name)}.html").write_text(html, encoding="utf-8")

    save(serve(make_application()), EMPTY_SCENES)
    save(serve(make_application(CLOSED)), CLOSED_SCENES)
    application = make_application({**SETTINGS, **profile_settings(tmp_path / "profiles")})
    filled = fill(application)
    filled_profiles = fill_profiles(application)
    site = serve(application)
    save(site, PROFILE_SCENES, filled_profiles)
    save(site, SCENES, filled)
    pages = sorted(tmp_path.glob("*.html"))
    assert len(pages) == sum(map(len, (SCENES, EMPTY_SCENES, CLOSED_SCENES, PROFILE_SCENES))), (
        "Two scenes have one name."
    )
    found = check(vnu, [*pages, STYLESHEET])  # all at once: it starts slowly
    assert not found, "\n".join(found)
