"""`microblog new`: ini files that work as they are."""

from __future__ import annotations

import re
import stat
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest
from click.testing import CliRunner

from microblog import configure
from microblog.commands import main
from microblog.commands.new import read_template
from microblog.search.elasticsearch.adapter import ElasticsearchSearch

CHECKOUT = Path(__file__).parents[3]


def new(folder, status=0):
    result = CliRunner().invoke(main, ["new", str(folder)])
    assert result.exit_code == status, result.output
    return result


def test_new_writes_two_files_and_says_what_to_do_next(tmp_path):
    said = new(tmp_path / "a site").stdout
    assert sorted(path.name for path in (tmp_path / "a site").iterdir()) == [
        "development.ini",
        "production.ini",
    ]
    assert f"cd '{tmp_path}/a site'\n    microblog serve --upgrade" in said


def test_production_has_a_secret_of_its_own_that_nobody_else_may_read(tmp_path):
    secrets = set()
    for name in ("one", "two"):
        new(tmp_path / name)
        file = tmp_path / name / "production.ini"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        (secret,) = re.findall(r"^microblog\.secret = (\S{32,})$", file.read_text(), re.MULTILINE)
        secrets.add(secret)
    assert len(secrets) == 2


def test_no_file_is_overwritten(tmp_path):
    new(tmp_path)
    before = (tmp_path / "production.ini").read_text()
    (tmp_path / "development.ini").unlink()
    assert f"There is {tmp_path}/production.ini already" in new(tmp_path, status=1).stderr
    assert (tmp_path / "production.ini").read_text() == before
    assert not (tmp_path / "development.ini").exists()


def test_a_folder_that_cannot_be_made_is_reported(tmp_path):
    (tmp_path / "file").touch()
    assert "Cannot write into" in new(tmp_path / "file" / "site", status=1).stderr


def test_without_the_debug_toolbar_the_development_file_works_too(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyramid_debugtoolbar", None)
    new(tmp_path)
    text = (tmp_path / "development.ini").read_text()
    assert "# The debug toolbar needs: pip install 'microblog[development]'\n# pyramid.includes" in text
    parser = ConfigParser(defaults={"here": "."})
    parser.read_string(text)
    assert not parser.has_option("app:main", "pyramid.includes")
    assert not parser.has_option("app:main", "debugtoolbar.hosts")


def test_with_the_debug_toolbar_it_is_let_in(tmp_path):
    pytest.importorskip("pyramid_debugtoolbar")
    new(tmp_path)
    assert "\npyramid.includes = pyramid_debugtoolbar\n" in (tmp_path / "development.ini").read_text()


@pytest.mark.parametrize("name", ["development.ini", "production.ini"])
def test_the_files_agree_with_those_of_the_checkout(name):
    """But for what they say first, and where the migrations are."""

    def comparable(text):
        _, _, rest = text.partition("\n\n")
        return [line for line in rest.splitlines() if not line.startswith("script_location")]

    assert comparable(read_template(name)) == comparable((CHECKOUT / name).read_text(encoding="utf-8"))
    assert "\nscript_location = microblog:migrations\n" in read_template(name)


def test_production_names_every_setting_but_that_of_developers():
    text = read_template("production.ini")
    config = configure({"microblog.secret": "long enough to be the secret of a test"})
    settings = [*config.registry.microblog, *ElasticsearchSearch.SETTINGS]
    named = set(re.findall(r"^(?:# )?(microblog\.[a-z0-9_.]+) =", text, re.MULTILINE))
    assert {setting.key for setting in settings} - named == {"microblog.development"}


def test_the_toolbar_does_not_start_where_people_are(tmp_path):
    new(tmp_path)
    file = tmp_path / "production.ini"
    file.write_text(
        file.read_text().replace("[server:", "pyramid.includes = pyramid_debugtoolbar\n[server:", 1)
    )
    result = CliRunner().invoke(main, ["-c", str(file), "settings"])
    assert result.exit_code == 1
    assert "pyramid_debugtoolbar can run code for everybody who can reach it" in result.stderr
    assert "debugtoolbar.hosts = 127.0.0.1 ::1\n" in file.read_text()
