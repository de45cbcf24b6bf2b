"""Tests that share an expensive fixture run in one process when pytest runs in several (`pytest -n 2`).

The modules of `tests/packaging/` make environments and install into them, once for the module; those of
`tests/migrations/` and `tests/plans/` make a large site; `tests/functional/plugins/` adds a table to the
models of its process.
The marker that pytest-xdist has for this, `xdist_group`, does nothing with pytest 9.2, and reports nothing
(pytest-dev/pytest-xdist#1386).

Loaded by ``pytest_plugins`` in ``tests/conftest.py``.
"""

from __future__ import annotations

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

TOGETHER = ("tests/packaging/", "tests/migrations/", "tests/plans/", "tests/functional/plugins/")


class Together(LoadScopeScheduling):
    """Gives out single tests, but modules below `TOGETHER` as a whole; those first, as they take longest."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition("::")[0] if nodeid.startswith(TOGETHER) else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Together:
    return Together(config, log)
