"""A site in a folder of any name, with an ini file as editors write it, under any locale."""

from __future__ import annotations

import codecs
import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.functional.commands.conftest import EXECUTABLES, run

NAMES = [
    'it\'s "a" site',
    "#1 qu?est=1&x=2",
    "what?uri=true",
    "100% %(here)s 50%41",
    "back\\slash\\n ends\\",
    "für 🐘 $HOME [app:main] *",
    "two\nlines; a:b@c",
    "file:x",
    " blank ",
    "x" * 200,
]
SOME_NAMES = [NAMES[number] for number in (0, 1, 3, 4, 5, 6)]
LINE = json.dumps({"author": "ada", "body": "From elsewhere", "created": "2026-01-02T03:04:05"})
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.parametrize(
    ("name", "is_relative"),
    [(name, False) for name in NAMES] + [(name, True) for name in SOME_NAMES[1:4]],
)
def test_a_folder_may_have_any_name(tmp_path, monkeypatch, name, is_relative):
    folder = tmp_path / "sites" / name
    run("new", folder)
    ini = str(folder / "production.ini")
    if is_relative:
        monkeypatch.chdir(folder)
        ini = "production.ini"
    assert f"{folder}/microblog.sqlite3" in run("-c", ini, "database", "upgrade").stdout
    run("-c", ini, "user", "add", "susan", "--password-stdin", stdin="a long password of susan's\n")
    (folder / "posts.jsonl").write_text(f"{LINE}\n")
    assert "Loaded 1 posts" in run("-c", ini, "import", folder / "posts.jsonl").stdout
    assert "1 posts" in run("-c", ini, "search", "rebuild").stdout
    (folder / "backups").mkdir()
    run("-c", ini, "backup", "--keep", 1, folder / "backups")
    assert "2 people and 1 posts" in run("-c", ini, "restore", "--verify", folder / "backups").stdout
    run("-c", ini, "restore", "--overwrite", next((folder / "backups").iterdir()))
    assert f"microblog.database.url = sqlite+pysqlite:///{folder}/microblog.sqlite3\n" in (
        run("-c", ini, "settings").stdout
    )
    told = run("-c", ini, "doctor", "--full").stdout
    assert "0 faults" in told
    assert f"It is written to {' '.join(f'{folder}/microblog.log'.split())}." in told
    assert "X-Microblog-Profile" in run("-c", ini, "profile").stdout
    assert [path.name for path in (tmp_path / "sites").iterdir()] == [name]
    assert (folder / "microblog.sqlite3").exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", SOME_NAMES[1:5:3] + SOME_NAMES[2:3])
def test_the_processes_of_a_site_run_in_a_folder_of_any_name(tmp_path, start, name):
    folder = tmp_path / "sites" / name
    run("new", folder)
    server = start("-c", folder / "production.ini", "serve", "--upgrade", "--listen", "127.0.0.1:0")
    lines = [server.line(), server.line()]
    while not lines[-1].startswith("microblog is at"):  # the name of a folder may have two lines
        lines.append(server.line())
        assert lines[-1], server.end()
    worker = start("-c", folder / "production.ini", "worker")
    assert worker.line().startswith("The worker runs")
    assert worker.end(signal.SIGTERM)[0] == 0
    assert server.end(signal.SIGTERM)[0] == 0
    assert (folder / "microblog.sqlite3").exists()
    assert (folder / "microblog.log").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in folder.parent.iterdir()] == [name]


@pytest.mark.slow
@pytest.mark.parametrize("name", SOME_NAMES[:2])
def test_pserve_and_alembic_find_the_database_of_the_folder_that_they_run_in(tmp_path, name):
    run("new", tmp_path / "sites" / name)
    here = tmp_path / "sites" / name
    text = (here / "production.ini").read_text()
    (here / "production.ini").write_text(text.replace("127.0.0.1:6543", "127.0.0.1:nonsense"))
    for command in (["alembic", "-c", "production.ini", "upgrade", "head"], ["pserve", "production.ini"]):
        ended = subprocess.run(
            [EXECUTABLES / command[0], *command[1:]],
            cwd=here,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    # It came as far as its server.
    assert "Invalid host/port specified" in ended.stderr
    assert (here / "microblog.sqlite3").exists()
    assert [path.name for path in here.parent.iterdir()] == [name]


def test_a_path_that_is_too_long_is_reported_in_a_sentence(tmp_path):
    folder = tmp_path.joinpath(*["x" * 100] * 6)  # longer than SQLite takes
    run("new", folder)
    error = run("-c", folder / "production.ini", "database", "upgrade", status=1).stderr
    assert "The database cannot be used (unable to open database file)" in error
    error = run("new", tmp_path / ("x" * 300), status=1).stderr
    assert "File name too long" in error
    error = run("-c", tmp_path / ("x" * 300 + ".ini"), "settings", status=1).stderr
    assert "File name too long" in error


def ini_with(folder: Path, *, encoding="utf-8", mark=b"", line_end="\n") -> Path:
    """The ini file with a name that is no ASCII, written as an editor may."""
    run("new", folder)
    text = (folder / "production.ini").read_text(encoding="utf-8")
    text = text.replace("# microblog.site_name = microblog", "microblog.site_name = Blög “für” café")
    text = text.replace("# microblog.contact = webmaster@", "microblog.contact = wärter@")
    if encoding != "utf-8":
        text = text.replace("“für”", "für")
    data = text.replace("\n", line_end).encode(encoding)
    (folder / "production.ini").write_bytes(mark + data)
    return folder / "production.ini"


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_an_ini_file_is_utf_8_whatever_editor_wrote_it(tmp_path, mark, line_end):
    ini = ini_with(tmp_path / "site", mark=mark, line_end=line_end)
    run("-c", ini, "database", "upgrade")
    assert "microblog.site_name = Blög “für” café\n" in run("-c", ini, "settings").stdout
    assert "0 faults" in run("-c", ini, "doctor").stdout


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_an_ini_file_in_another_encoding_is_reported_in_a_sentence(tmp_path, encoding):
    ini = ini_with(tmp_path / "site", encoding=encoding)
    for command in ("settings", "doctor", "serve"):
        error = run("-c", ini, command, status=1).stderr
        assert error == f"Error: The ini file {ini} is not UTF-8: save it in that encoding.\n"


@pytest.mark.slow
@pytest.mark.parametrize("locale", [ASCII, {**ASCII, "LC_ALL": "POSIX"}, {"LC_ALL": "de_DE.ISO-8859-1"}])
def test_the_locale_changes_nothing(tmp_path, locale, monkeypatch, start):
    ini = ini_with(tmp_path / "für 🐘", mark=codecs.BOM_UTF8)
    for name, value in locale.items():
        monkeypatch.setenv(name, value)
    for command in (["database", "upgrade"], ["settings"], ["doctor"]):
        ended = subprocess.run(
            [EXECUTABLES / "microblog", "-c", ini, *command],
            capture_output=True,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
            check=False,
        )
        assert ended.returncode == 0, ended.stderr.decode()
        told = ended.stdout.decode("utf-8")
        assert command != ["settings"] or "microblog.site_name = Blög “für” café\n" in told
    server = start("-c", ini, "serve", "--listen", "127.0.0.1:0")
    assert server.line().startswith("microblog is at")
    assert server.end(signal.SIGTERM)[0] == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["für 🐘"]
    assert (ini.parent / "microblog.log").exists()


@pytest.mark.slow
def test_python_with_pythonutf8_set_is_not_restarted_again(tmp_path):
    run("new", "site")
    ended = subprocess.run(
        [EXECUTABLES / "python", "-X", "utf8=0", EXECUTABLES / "microblog", "new", "other"],
        cwd=tmp_path,
        capture_output=True,
        env={**os.environ, **ASCII},
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
