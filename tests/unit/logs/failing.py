"""A process that fails on command, for the tests of alerts.

    python -m tests.unit.logs.failing SETTINGS.json CLOCK

Reads lines: `fail N` reports the same fault N times, `work` looks what is due, `close` ends. Answers each.
`CLOCK` is a file with the time.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from microblog.alerts.reporting import Alerts
from tests.unit.alerts.office import Office


def main(settings: str, clock: str) -> None:
    office = Office(Path(settings).parent, **json.loads(Path(settings).read_text()))
    alerts = Alerts(office.registry, now=lambda: float(Path(clock).read_text()))
    for line in sys.stdin:
        word, _, number = line.strip().partition(" ")
        if word == "fail":
            for _ in range(int(number)):
                alerts.report("error", "ValueError views.py:41", "ValueError at views.py:41", "The trace.")
            alerts.work()
        elif word == "work":
            alerts.work()
        else:
            alerts.close()
        print(word, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
