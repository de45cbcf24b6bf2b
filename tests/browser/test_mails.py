"""Nobody meets a barrier in a mail: axe finds nothing, in light and dark, and nothing is wider than a screen,
whatever the names in it.
"""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.mail_pictures import LANGUAGES, MAIL_SETTINGS, build_mails
from tests.browser.test_accessibility import barriers, too_wide

# The landmarks are those of the program that shows the mail.
OF_WHOLE_PAGES = (": region: ", ": landmark-one-main: ")
pytestmark = pytest.mark.browser


@pytest.mark.parametrize("language", LANGUAGES)
def test_nobody_meets_a_barrier_in_a_mail(
    make_application: Any, chromium: Browser, axe: str, language: str
) -> None:
    registry = make_application(MAIL_SETTINGS).registry
    context = chromium.new_context(offline=True)
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    found = []
    for name, html in build_mails(registry, language):
        page = context.new_page()
        page.set_content(html)
        found += [f"{name}: {each}" for each in barriers(page, axe) + too_wide(page)]
        page.close()
    context.close()
    found = [each for each in found if not any(rule in each for rule in OF_WHOLE_PAGES)]
    assert not found, "\n".join(found)
    assert asked == [], "a mail loads nothing from elsewhere"
