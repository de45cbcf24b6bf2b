"""What Lighthouse says of the pages that people see most, on a slow phone: by hand, since it takes minutes.

    npm install --prefix FOLDER lighthouse
    python -m benchmarks.lighthouse FOLDER/node_modules/.bin/lighthouse [--browser /usr/bin/chromium]

Serves the people and posts of the scenes, and opens home (logged in), a profile and a search three times,
with Lighthouse's own simulated throttling. Prints the medians; ends with 1 when one is below 98.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.data import say
from microblog.security.cookies import SESSION_COOKIE
from tests.browser.conftest import Site, serving
from tests.browser.scenes import fill
from tests.conftest import Application, prepare, settings_for

LEAST, RUNS = 98, 3
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
PAGES = (("home", "/", "susan"), ("profile", "/users/susan", None), ("search", "/search?q=green+tea", None))
FLAGS = "--headless=new --no-sandbox --disable-gpu"


def run(lighthouse: Path, browser: str, site: Site, path: str, nickname: str | None) -> dict[str, float]:
    """Scores of 0 to 100 by category."""
    headers = {}
    if nickname is not None:
        headers["Cookie"] = f"{SESSION_COOKIE}={site.start_session(nickname)}"
    options = [
        "--quiet",
        "--output=json",
        f"--only-categories={','.join(CATEGORIES)}",
        f"--chrome-flags={FLAGS}",
        *(["--skip-audits=is-crawlable"] if path.startswith("/search") else []),  # it asks not to be indexed
        f"--extra-headers={json.dumps(headers)}",
    ]
    answer = subprocess.run(
        [str(lighthouse), f"{site.url}{path}", *options],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "CHROME_PATH": browser},
    )
    report: dict[str, Any] = json.loads(answer.stdout)
    for name, audit in report["audits"].items():
        if audit["score"] is not None and audit["score"] < 0.9:
            say(f"  {path}: {name}: {audit.get('displayValue', '')} {audit['title']}")
    return {name: round(report["categories"][name]["score"] * 100) for name in CATEGORIES}


def measure(lighthouse: Path, browser: str) -> dict[str, dict[str, float]]:
    """Medians, by page and category."""
    medians = {}
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite+pysqlite:///{folder}/site.sqlite3"
        prepare(url)
        application = Application(settings_for(url))
        fill(application)
        with serving(application) as site:
            for name, path, nickname in PAGES:
                say(f"{name} …")
                runs = [run(lighthouse, browser, site, path, nickname) for _ in range(RUNS)]
                medians[name] = {key: statistics.median(each[key] for each in runs) for key in CATEGORIES}
        application.database.close()
    return medians


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.lighthouse", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("lighthouse", type=Path, help="the command that npm installed")
    parser.add_argument("--browser", default="/usr/bin/chromium")
    arguments = parser.parse_args()
    medians = measure(arguments.lighthouse, arguments.browser)
    for name, scores in medians.items():
        print(f"{name:10}", *(f"{category} {score:g}" for category, score in scores.items()))
    return 0 if all(score >= LEAST for scores in medians.values() for score in scores.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
