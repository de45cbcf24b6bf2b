"""The README's lines work on a machine that has nothing yet, whatever was released since the lock was made.

All of it is made as hard as it can be: the oldest pip that this Python ever brought; an index where every
locked package has a release newer than the locked one; a home folder without caches and settings; and a
folder whose name has spaces and an apostrophe.
"""

from __future__ import annotations

import ensurepip
import os
import re
import shlex
import shutil
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tests.packaging.conftest import SWITCH
from tests.packaging.locks import read_lock
from tests.packaging.machine import clean_environment, copy_checkout, free_port, run, serving
from tests.packaging.newer_releases import VERSION, make_index

# What the first release of each Python brought; later ones bring pips to which extras are no trouble.
OLDEST_PIP = {(3, 11): "22.3", (3, 12): "23.2.1"}
# The settings of pip that a machine may need to reach packages at all.
REACHES_PACKAGES = {
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_FIND_LINKS",
    "PIP_TRUSTED_HOST",
    "PIP_PROXY",
    "PIP_CERT",
    "PIP_CLIENT_CERT",
    "PIP_DEFAULT_TIMEOUT",
    "PIP_RETRIES",
}
SITE = "/srv/microblog"

pytestmark = [pytest.mark.wheel, pytest.mark.slow]


@dataclass(frozen=True)
class Machine:
    """`checkout` is a copy of ours, with an environment in .venv once the README's lines have run."""

    folder: Path
    checkout: Path
    environment: dict[str, str]

    def sh(self, script: str) -> str:
        return run("sh", "-ec", script, folder=self.checkout, environment=self.environment)

    def serves(self, script: str, url: str) -> None:
        """Fails unless the home page is there, with its style, as long as the script runs."""
        log = self.folder / "log"
        server = serving(
            "sh", "-ec", script, url=url, folder=self.checkout, log=log, environment=self.environment
        )
        with server, urllib.request.urlopen(url, timeout=10) as response:
            assert b"/static/app.css" in response.read()


def lines_of_readme(a_part: str) -> list[str]:
    """The lines of the README's block that has this part."""
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    (block,) = [block for block in re.findall(r"^```sh\n(.*?)^```$", readme, re.M | re.S) if a_part in block]
    return block.splitlines()


def with_oldest_pip(lines: list[str]) -> str:
    """A script of these lines; an environment that they make gets the pip of an older Python at once."""
    version = OLDEST_PIP.get(sys.version_info[:2], ensurepip.version())
    script = []
    for line in lines:
        script.append(line)
        if made := re.fullmatch(r"python3 -m venv (.+)", line):
            script.append(f"{made[1]}/bin/python -m pip install --quiet pip=={version}")
            script.append(f"{made[1]}/bin/python -m pip --version | grep -F 'pip {version} '")
    return "\n".join(script)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    if os.environ.get(SWITCH) != "1":
        pytest.skip(f"Set {SWITCH}=1, to install as the README says (two minutes, 200 MB of packages).")
    folder = tmp_path_factory.mktemp("machine") / "it's a folder"
    checkout = copy_checkout(folder / "with spaces")
    packages = {
        canonicalize_name(line.name)
        for name in ("requirements.lock", "requirements-dev.lock")
        for line in read_lock((checkout / name).read_text(encoding="utf-8"))
    }
    index = make_index(folder / "index", packages)
    (folder / "home").mkdir()
    environment = {
        name: value
        for name, value in clean_environment().items()
        if name in REACHES_PACKAGES or not name.startswith(("PIP_", "XDG_"))
    }
    environment |= {
        "HOME": str(folder / "home"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}",
        "PIP_EXTRA_INDEX_URL": f"{index} {environment.get('PIP_EXTRA_INDEX_URL', '')}".strip(),
    }
    yield Machine(folder, checkout, environment)
    shutil.rmtree(folder)  # it is large, and pytest would keep three


@pytest.fixture(scope="module")
def developed(machine: Machine) -> Machine:
    """The machine after the lines of "The same without make", but for the last, which serves."""
    *lines, serve = lines_of_readme("requirements-dev.lock")
    assert serve.endswith(" serve --upgrade")
    machine.sh(with_oldest_pip(lines))
    return machine


def test_the_index_has_what_makes_an_old_pip_stop(developed):
    """Else the tests below would show nothing: without a lock, the newer release is what pip takes."""
    said = developed.sh(".venv/bin/python -m pip download --no-deps --dest ../taken 'coverage[toml]>=7'")
    assert f"coverage-{VERSION}-py3-none-any.whl" in said


def test_the_lines_without_make_install_serve_and_test(developed):
    listen = f"127.0.0.1:{free_port()}"
    *_, serve = lines_of_readme("requirements-dev.lock")
    developed.serves(f"exec {serve} --listen {listen}", f"http://{listen}/")
    (test,) = lines_of_readme("-m pytest")
    assert " passed" in developed.sh(
        f"{test} tests/unit/test_settings.py tests/unit/operations/test_migrating.py"
    )


def test_the_lines_for_a_site_make_one_that_serves(developed):
    own = shlex.quote(str(developed.folder / "a site's place"))
    lines = [line.replace(SITE, own) for line in lines_of_readme("dist/microblog-")]
    developed.sh(with_oldest_pip(lines))
    listen = f"127.0.0.1:{free_port()}"
    serve = f"cd {own}/site && exec {own}/venv/bin/microblog -c development.ini serve --upgrade"
    developed.serves(f"{serve} --listen {listen}", f"http://{listen}/")


def test_make_serves_in_an_environment_whose_name_has_a_space_and_an_apostrophe(machine):
    port = free_port()
    ini = (machine.checkout / "development.ini").read_text(encoding="utf-8")
    own = ini.replace("localhost:6543", f"127.0.0.1:{port}")
    (machine.checkout / "it's mine.ini").write_text(own, encoding="utf-8")
    make = 'make VENV="../it\'s made" PYTHON="$(command -v python3)"'
    machine.serves(f"""exec {make} serve INI="it's mine.ini" """, f"http://127.0.0.1:{port}/")
    machine.sh(f"""{make} --question "../it's made/.serve-stamp" """)  # once is enough


def test_the_other_commands_of_make_work_there(developed):
    assert "All checks passed" in developed.sh("make lint")
    assert " passed" in developed.sh('make test ARGS="tests/unit/test_settings.py --no-cov"')
