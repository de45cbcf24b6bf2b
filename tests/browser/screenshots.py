"""Pictures of every page to look at, on a telephone and a desk, in light and dark. No test.

    .venv/bin/python -m tests.browser.screenshots FOLDER [LANGUAGE:] [WORD_OF_A_SCENE ...]

takes those of all scenes (`tests/browser/scenes.py`), or of those whose name has one of the words; `ar:` in
Arabic, without those in which a button is pressed: scenes find it by its English text. In place of words,
`--ten` takes ten pages that show what a site looks like, in English and in Arabic (`make screenshots`), and
`mails` every kind of mail, in both.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from tests.browser.conftest import ARGUMENTS, HEIGHTS, Site, serving
from tests.browser.mail_pictures import MAIL_SETTINGS, take_mails
from tests.browser.scenes import (
    CLOSED,
    CLOSED_SCENES,
    EMPTY_SCENES,
    PROFILE_SCENES,
    SCENES,
    SETTINGS,
    Scene,
    fill,
    fill_profiles,
    profile_settings,
)
from tests.conftest import Application, prepare, settings_for

SCHEMES: tuple[Any, ...] = ("light", "dark")
ENGLISH = "en"
TEN = (
    *("front page", "home", "home with nothing", "profile", "post", "people", "posts and people found"),
    *("register", "preferences", "help"),
)
TEN_LANGUAGES = (ENGLISH, "ar")


def take(browser: Browser, site: Site, scene: Scene, filled: Any, folder: Path, language: str) -> None:
    """The whole page on a telephone, and its first screen on a desk."""
    name = re.sub(r"[^a-z0-9]+", "-", scene.name).strip("-") + f".{language}"
    context = browser.new_context(
        base_url=site.url,
        viewport={"width": 360, "height": HEIGHTS[360]},
        reduced_motion="reduce",
        locale="en-GB" if language == ENGLISH else language,
    )
    context.add_cookies([{"name": "preferences", "value": f"language={language}", "url": site.url}])
    page = context.new_page()
    if scene.person is not None:
        site.log_in(context, scene.person)
    scene.play(page, filled)
    for width in (360, 1280):
        page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=folder / f"{name}.{width}.{scheme}.png", full_page=width == 360)
    context.close()


def is_wanted(name: str, words: list[str]) -> bool:
    if words == ["--ten"]:
        return name in TEN
    return not words or any(word in name for word in words)


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    folder, words = Path(arguments[0]), arguments[1:]
    language = words.pop(0)[:-1] if words and words[0].endswith(":") else ENGLISH
    languages = TEN_LANGUAGES if words == ["--ten"] else (language,)
    folder.mkdir(parents=True, exist_ok=True)
    executable = os.environ.get("MICROBLOG_TEST_BROWSER", "/usr/bin/chromium")
    sets: tuple[tuple[tuple[Scene, ...], dict[str, str], Any], ...] = (
        (EMPTY_SCENES, {}, lambda application: None),
        (CLOSED_SCENES, CLOSED, lambda application: None),
        (SCENES, SETTINGS, fill),
        (PROFILE_SCENES, {}, lambda application: fill(application) and fill_profiles(application)),
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(ARGUMENTS))
        if words == ["mails"]:
            sets = ()
            application = Application({**settings_for("sqlite+pysqlite://"), **MAIL_SETTINGS})
            take_mails(browser, application.registry, folder)
        for scenes, settings, fill_it in sets:
            with tempfile.TemporaryDirectory() as directory:
                url = f"sqlite+pysqlite:///{directory}/pictures.sqlite3"
                prepare(url)
                profiles = profile_settings(Path(directory, "profiles")) if scenes is PROFILE_SCENES else {}
                application = Application({**settings_for(url), **settings, **profiles})
                filled = fill_it(application)
                with serving(application) as site:
                    for scene in scenes:
                        if is_wanted(scene.name, words):
                            for each in languages:
                                if each == ENGLISH or not scene.act:
                                    take(browser, site, scene, filled, folder, each)
                application.database.close()
        browser.close()
    print(f"{len(list(folder.glob('*.png')))} pictures are in {folder}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
