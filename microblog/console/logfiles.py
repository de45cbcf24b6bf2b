"""Where the log of an ini file is written, and whether it can be.

Only `logging.config` knows what the ini file means: it evaluates Python there, and opens the files. So it
does that in a process of its own, which leaves this one's log as it is.
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


def log_files(ini: Path, seconds: float = SECONDS) -> list[Path]:
    """The files of all handlers.

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
            f"The log was not set up within {seconds:g} seconds: look whether one of the handlers in {ini} "
            "waits for a server."
        ) from None
    answer = json.loads(ended.stdout)
    if "fault" in answer:
        raise LogError(answer["fault"])
    return [Path(file) for file in answer["files"]]


def main(ini: str) -> None:
    """In the process of its own: answers in JSON."""
    began = time.time()
    try:
        set_up_log(IniFile(Path(ini)), Path(ini))
    except LogError as error:
        answer: dict[str, object] = {"fault": str(error)}
    else:
        files = sorted(set(files_of_handlers()))
        remove_new(files, began)
        answer = {"files": files}
    sys.stdout.write(json.dumps(answer))


def files_of_handlers() -> Iterator[str]:
    for logger in (logging.root, *logging.root.manager.loggerDict.values()):
        for handler in getattr(logger, "handlers", ()):  # a name in between is no logger
            if isinstance(handler, logging.FileHandler):
                yield handler.baseFilename


def remove_new(files: list[str], began: float) -> None:
    """What was made now would belong to whoever asks, and not to the site's user."""
    for path in map(Path, files):
        if path.is_file() and path.stat().st_size == 0 and path.stat().st_ctime >= began - 1:
            path.unlink()


if __name__ == "__main__":
    main(sys.argv[1])
