"""The wheel holds what an operator needs, and a site made from it alone comes up and shows a page.

Nothing here reads the checkout once the wheel is built: the environment is a new one, the working folder
is the new site's.
"""

import re
import sys
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.packaging.locks import read_lock
from tests.packaging.machine import CHECKOUT, call_build_backend, free_port, run, serving

# One page of each kind: a template, a form, a static file.
PAGES = {"/": "text/html", "/register": "text/html", "/static/app.css": "text/css"}

pytestmark = [pytest.mark.wheel, pytest.mark.slow]


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return call_build_backend("build_wheel", source, tmp_path_factory.mktemp("wheel") / "dist")


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
    archive = call_build_backend("build_sdist", source, tmp_path / "sdist")
    (tmp_path / "unpacked").mkdir()
    run("tar", "-xzf", archive, folder=tmp_path / "unpacked")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    again = call_build_backend("build_wheel", unpacked, tmp_path / "again")
    assert names_in(again) == names_in(wheel)


def locked_versions() -> str:
    """requirements.lock as pip constraints: its versions, without the hashes that our own wheel lacks."""
    lines = read_lock((CHECKOUT / "requirements.lock").read_text(encoding="utf-8"))
    for line in lines:
        line.extras.clear()  # a constraint may not have any
    return "".join(f"{line}\n" for line in lines)


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


@pytest.fixture(params=["development.ini", "production.ini"])
def address(request: pytest.FixtureRequest, command: Path, tmp_path: Path) -> Iterator[str]:
    """Where a new site answers: made and served by the command, with either of its ini files."""
    site, log = tmp_path / "site", tmp_path / "log"
    run(command, "new", site, folder=tmp_path)
    run(command, "-c", request.param, "database", "upgrade", folder=site)
    listen = f"127.0.0.1:{free_port()}"
    serve = (command, "-c", request.param, "serve", "--listen", listen)
    with serving(*serve, url=f"http://{listen}/", folder=site, log=log):
        yield f"http://{listen}"


def test_a_site_made_from_the_wheel_alone_shows_its_pages(address):
    for path, content_type in PAGES.items():
        with urllib.request.urlopen(address + path, timeout=10) as response:
            assert response.status == 200
            assert response.headers.get_content_type() == content_type
            assert response.read()
