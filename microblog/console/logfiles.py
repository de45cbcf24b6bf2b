"""Finds the files to which an ini file sends the log, and checks that they can be written.

Only `logging.config` knows what the ini file means: it evaluates Python in it, and opens the files. So it
runs in a process of its own, which leaves the log of this one unchanged.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from microblog.console.ini import IniFile, LogError, set_up_log

SECONDS = 15.0


def find_log_files(ini: Path, seconds: float = SECONDS) -> list[Path]:
    """The files of all logging handlers.

    :raises LogError: when the log cannot be set up.
    """
    try:
        ended = subprocess.run(  # noqa: S603  # ourselves
            [sys.executable, "-m", __name__, str(ini)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            check=True,
        )
    except subprocess.TimeoutExpired:
        raise LogError(
            f"The log was not set up within {seconds:g} seconds: check whether one of the handlers in {ini} "
            "waits for a server."
        ) from None
    answer = json.loads(ended.stdout)
    if "fault" in answer:
        raise LogError(answer["fault"])
    return [Path(file) for file in answer["files"]]


def main(ini: str) -> None:
    """The entry point of the separate process, which answers in JSON."""
    began = time.time()
    try:
        set_up_log(IniFile(Path(ini)), Path(ini))
    except LogError as error:
        answer: dict[str, object] = {"fault": str(error)}
    else:
        files = sorted(set(list_handler_files()))
        remove_new_files(files, began)
        answer = {"files": files}
    sys.stdout.write(json.dumps(answer))


def list_handler_files() -> Iterator[str]:
    for logger in (logging.root, *logging.root.manager.loggerDict.values()):
        for handler in getattr(logger, "handlers", ()):  # a placeholder in the hierarchy has none
            if isinstance(handler, logging.FileHandler):
                yield handler.baseFilename


def remove_new_files(files: list[str], began: float) -> None:
    """Remove files that were created just now: they belong to the current user, and not to the site's."""
    for path in map(Path, files):
        if path.is_file() and path.stat().st_size == 0 and path.stat().st_ctime >= began - 1:
            path.unlink()


if __name__ == "__main__":
    main(sys.argv[1])
