"""The wheel holds what an operator needs, and a site made from it alone comes up and shows a page.

Nothing here reads the checkout once the wheel is built: the environment is a new one, the working folder
is the new site's.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
SWITCH = "MICROBLOG_TEST_WHEEL"
# What an environment and a build leave in a checkout, and what is no part of one.
NOT_COPIED = (
    ".git",
    ".venv",
    ".cache",
    "build",
    "dist",
    "*.egg-info",
    "htmlcov",
    "__pycache__",
    ".*_cache",
    "var",
)
SERVER_START_SECONDS = 30
SERVER_STOP_SECONDS = 10
# One page of each kind: a template, a form, a static file.
PAGES = {"/": "text/html", "/register": "text/html", "/static/app.css": "text/css"}

# One group: processes of a parallel run would each build and install a wheel of their own.
pytestmark = [pytest.mark.wheel, pytest.mark.slow, pytest.mark.xdist_group("wheel")]


def run(*command: str | Path, folder: Path, **environment: str) -> str:
    """What a command printed; its failure shows all of it."""
    result = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=clean_environment() | environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert result.returncode == 0, f"{command} failed:\n{result.stdout}"
    return result.stdout


def clean_environment() -> dict[str, str]:
    """The environment without what would let the checkout or this test run shine through."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MICROBLOG_", "COV_", "COVERAGE_", "PYTEST_")) and name != "PYTHONPATH"
    }


def build(backend_call: str, source: Path, target: Path) -> Path:
    """The file that setuptools' build backend makes of a source folder."""
    target.mkdir(parents=True)
    code = f"from setuptools import build_meta; build_meta.{backend_call}({str(target)!r})"
    run(sys.executable, "-c", code, folder=source, PYTHONWARNINGS="ignore")
    (made,) = target.iterdir()
    return made


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout, so that a build neither finds nor leaves anything there."""
    copy = tmp_path_factory.mktemp("source") / "microblog"
    shutil.copytree(CHECKOUT, copy, symlinks=True, ignore=shutil.ignore_patterns(*NOT_COPIED))
    return copy


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("build_wheel", source, tmp_path_factory.mktemp("wheel") / "dist")


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def files_below(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_holds_every_file_of_the_package(wheel, source):
    expected = {f"microblog/{name}" for name in files_below(source / "microblog")}
    expected |= {f"microblog/migrations/{name}" for name in files_below(source / "alembic")}
    missing = expected - names_in(wheel)
    assert not missing


def test_the_wheel_holds_the_migrations(wheel):
    names = names_in(wheel)
    assert {"microblog/migrations/env.py", "microblog/migrations/script.py.mako"} <= names
    assert any(re.fullmatch(r"microblog/migrations/versions/\w+\.py", name) for name in names)


def test_the_wheel_holds_nothing_but_the_package(wheel):
    tops = {name.split("/")[0] for name in names_in(wheel)}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"microblog"}


def test_the_source_distribution_makes_the_same_wheel(wheel, source, tmp_path):
    archive = build("build_sdist", source, tmp_path / "sdist")
    (tmp_path / "unpacked").mkdir()
    run("tar", "-xzf", archive, folder=tmp_path / "unpacked")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    again = build("build_wheel", unpacked, tmp_path / "again")
    assert names_in(again) == names_in(wheel)


def locked_versions() -> str:
    """requirements.lock as pip constraints: its versions, without the hashes that our own wheel lacks."""
    lock = (CHECKOUT / "requirements.lock").read_text(encoding="utf-8")
    return "\n".join(re.findall(r"^[a-z0-9-]+==[^\\\n]+", lock, re.MULTILINE)) + "\n"


@pytest.fixture(scope="module")
def reachable_index(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skips unless packages can be had; with the switch set to 1, that they cannot is a failure."""
    wanted = os.environ.get(SWITCH)
    if wanted == "0":
        pytest.skip(f"the wheel was not installed: {SWITCH}=0 says so; leave it unset or set it to 1")
    if wanted == "1":
        return
    folder = tmp_path_factory.mktemp("probe")
    download = "-m pip download --quiet --no-deps --no-cache-dir --retries=0 --timeout=5 itsdangerous"
    probe = subprocess.run([sys.executable, *download.split()], cwd=folder, capture_output=True, check=False)
    if probe.returncode != 0:
        pytest.skip(
            f"the wheel was not installed: pip reaches no packages; connect, or set {SWITCH}=1 to see why"
        )


@pytest.fixture(scope="module")
def command(reachable_index: None, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `microblog` command of an environment that has the wheel and what it asks for, no more."""
    folder = tmp_path_factory.mktemp("environment")
    constraints = folder / "constraints.txt"
    constraints.write_text(locked_versions(), encoding="utf-8")
    # This environment's pip installs into the new one, which so starts really empty.
    run(sys.executable, "-m", "venv", "--without-pip", folder / "venv", folder=folder)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", folder / "venv/bin/python")
    run(*pip, "install", "--quiet", "--constraint", constraints, wheel, folder=folder)
    run(*pip, "check", folder=folder)
    return folder / "venv/bin/microblog"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(params=["development.ini", "production.ini"])
def address(request: pytest.FixtureRequest, command: Path, tmp_path: Path) -> Iterator[str]:
    """Where a new site answers: made and served by the command, with either of its ini files."""
    site, log = tmp_path / "site", tmp_path / "log"
    run(command, "new", site, folder=tmp_path)
    run(command, "-c", request.param, "database", "upgrade", folder=site)
    listen = f"127.0.0.1:{free_port()}"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [command, "-c", request.param, "serve", "--listen", listen],
            cwd=site,
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(f"http://{listen}/", server, log)
        yield f"http://{listen}"
    finally:
        server.terminate()
        server.wait(SERVER_STOP_SECONDS)


def wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + SERVER_START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"the server did not answer at {url}:\n{log.read_text(errors='replace')}")


def test_a_site_made_from_the_wheel_alone_shows_its_pages(address):
    for path, content_type in PAGES.items():
        with urllib.request.urlopen(address + path, timeout=10) as response:
            assert response.status == 200
            assert response.headers.get_content_type() == content_type
            assert response.read()
