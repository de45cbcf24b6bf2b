"""A copy of the checkout, and whether packages can be had."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.machine import copy_checkout

SWITCH = "MICROBLOG_TEST_WHEEL"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_checkout(tmp_path_factory.mktemp("source") / "microblog")


@pytest.fixture(scope="session")
def reachable_index(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skips unless packages can be had; with the switch set to 1, that they cannot is a failure."""
    wanted = os.environ.get(SWITCH)
    if wanted == "0":
        pytest.skip(f"nothing was installed: {SWITCH}=0 says so; leave it unset or set it to 1")
    if wanted == "1":
        return
    folder = tmp_path_factory.mktemp("probe")
    download = "-m pip download --quiet --no-deps --no-cache-dir --retries=0 --timeout=5 itsdangerous"
    probe = subprocess.run([sys.executable, *download.split()], cwd=folder, capture_output=True, check=False)
    if probe.returncode != 0:
        pytest.skip(f"nothing was installed: pip reaches no packages; connect, or set {SWITCH}=1 to see why")
