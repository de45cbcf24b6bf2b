"""Pictures of the HTML of every kind of mail (`python -m tests.browser.screenshots FOLDER mails`)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from tests.browser.conftest import HEIGHTS
from tests.mails import HARD_MAILS, MAILS

MAIL_SETTINGS = {"microblog.url": "https://blog.example.org"}
LANGUAGES = ("en", "ar")


def build_mails(registry: Any, language: str) -> Iterator[tuple[str, str]]:
    """Each kind of mail in this language, and some with names that are hard to draw: its name and HTML."""
    all_mails = {**{kind: (kind, values) for kind, values in MAILS.items()}, **HARD_MAILS}
    for name, (kind, values) in all_mails.items():
        mail = registry.mail_builder.build(registry.mail_kinds[kind], language, values, user_id=1)
        yield name, mail.html


def take_mails(browser: Browser, registry: Any, folder: Path) -> None:
    for language in LANGUAGES:
        for name, html in build_mails(registry, language):
            for width in (360, 1280):
                for scheme in ("light", "dark"):
                    context = browser.new_context(
                        viewport={"width": width, "height": HEIGHTS[width] // 2},
                        color_scheme=scheme,
                        java_script_enabled=False,
                    )
                    page = context.new_page()
                    page.set_content(html)
                    path = folder / f"mail-{name}.{language}.{width}.{scheme}.png"
                    page.screenshot(path=path, full_page=True)
                    context.close()
