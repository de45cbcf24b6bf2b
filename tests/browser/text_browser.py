"""w3m in a terminal of tmux: no script, no style, no mouse. It is driven by keys, and its screen is read."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

COLUMNS, LINES = 100, 400  # so that a whole page is on the screen
WAIT_SECONDS = 20.0
FIRST_LINE, NEXT_LINK, NEXT_MATCH, DELETE_LINE = "g", "Tab", "n", "C-u"
# Its own viewer of images and the history of other sessions stay out.
OPTIONS = ("-cookie", "-no-mouse", "-o", "display_image=0", "-o", "use_history=0", "-o", "confirm_qq=0")
IS_THERE = bool(shutil.which("w3m") and shutil.which("tmux"))


class TextBrowser:
    """One w3m. What a person types into a large field comes from a file: w3m opens an editor for it."""

    def __init__(self, folder: Path, url: str) -> None:
        self._socket = str(folder / "tmux")
        self._text = folder / "text"
        editor = folder / "editor"
        editor.write_text(f'#!/bin/sh\nexec cp "{self._text}" "$1"\n', encoding="utf-8")
        editor.chmod(0o755)
        environment = {
            "HOME": str(folder),
            "EDITOR": str(editor),
            "LANG": "C.UTF-8",
            "PATH": os.environ["PATH"],
        }
        size = ("-x", str(COLUMNS), "-y", str(LINES))
        self._tmux("-f", "/dev/null", "new-session", "-d", *size, "w3m", *OPTIONS, url, env=environment)

    def _tmux(self, *arguments: str, env: dict[str, str] | None = None) -> str:
        command = ["tmux", "-u", "-S", self._socket, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, env=env).stdout

    def close(self) -> None:
        self._tmux("kill-server")

    def screen(self) -> str:
        return self._tmux("capture-pane", "-p", "-J")

    def wait_for(self, text: str) -> str:
        """The screen, once it has this text."""
        return self._wait(f"There is no {text!r}", lambda screen: text in screen)

    def wait_without(self, text: str) -> str:
        """The screen, once it has no longer this text."""
        return self._wait(f"There still is {text!r}", lambda screen: text not in screen)

    def _wait(self, otherwise: str, is_reached: Callable[[str], bool]) -> str:
        until, before = time.monotonic() + WAIT_SECONDS, None
        # Half of a page may be drawn before the other.
        while not is_reached(screen := self.screen()) or screen != before:
            before = screen
            lines = [f"{otherwise} in:", *filter(str.strip, screen.splitlines())]
            assert time.monotonic() < until, "\n".join(lines)
        return screen

    def press(self, *keys: str) -> None:
        self._tmux("send-keys", *keys)

    def type(self, text: str) -> None:
        self._tmux("send-keys", "-l", text)

    def find(self, text: str, *, match: int = 1) -> None:
        """Put the cursor on the first place (the second, …) of this text."""
        self.press(FIRST_LINE, "/")
        self.wait_for("Forward: ")
        self.type(text)
        self.press("Enter", *[NEXT_MATCH] * (match - 1))

    def follow(self, text: str, *, match: int = 1) -> None:
        """Follow the link, or press the button, with this text."""
        self.find(text, match=match)
        self.press("Enter")

    def fill(self, before: str, text: str, *, is_secret: bool = False) -> None:
        """Type into the field that comes after this text."""
        self.find(before)
        self.press(NEXT_LINK, "Enter")
        self.wait_for("TEXT:" if not is_secret else "Password:")
        self.press(DELETE_LINE)
        self.type(text)
        self.press("Enter")

    def write(self, before: str, text: str) -> None:
        """The same for a large field."""
        self._text.write_text(text, encoding="utf-8")
        self.find(before)
        self.press(NEXT_LINK, "Enter")
        self.wait_for(text[:20])

    def choose(self, before: str, choice: str) -> None:
        """Choose from the list that comes after this text; it opens as a menu."""
        self.find(before)
        self.press(NEXT_LINK, "Enter")
        self.wait_for("┌")
        self.press("/")
        self.wait_for("Forward: ")
        self.type(choice)
        self.press("Enter", "Enter")
