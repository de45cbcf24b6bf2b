"""The short form of `python -m benchmarks.mails`: a bad server and a killed worker lose no mail."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
SECONDS = 120  # on a machine with much else to do; it takes ten


def test_each_mail_arrives_whatever_is_killed_and_twice_only_where_it_says_so():
    words = ["--follows", "30", "--kills", "1", "--workers", "1", "--away", "0.5", "--hurry"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.mails", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr[-3000:]}"
    assert "FAULT" not in done.stdout
    assert "mails: 30, " in done.stdout
    assert "killed: server: 1, worker: 1" in done.stdout
