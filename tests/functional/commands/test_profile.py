"""`microblog profile` prints a signed value, and `serve --profile` profiles each one."""

from __future__ import annotations

import re
import shlex
import signal
import urllib.request

import pytest

from microblog.db import DATABASE_URL
from microblog.profiling.profiles import COOKIE, HEADER
from microblog.profiling.settings import PROFILER
from microblog.security.settings import PUBLIC_URL
from tests.functional.commands.conftest import run, write_ini


@pytest.fixture
def on_demand(ini, tmp_path):
    settings = f"microblog.profiler = on_demand\nmicroblog.profiler.directory = {tmp_path}/profiles\n"
    ini.write_text(ini.read_text().replace("\n[server:main]", f"\n{settings}\n[server:main]", 1))
    return ini


def header_of(curl):
    """The header that this line would send, and its address."""
    words = shlex.split(curl)
    assert words[0] == "curl"
    return words[words.index("-H") + 1].split(": "), words[-1]


def test_the_printed_value_profiles_one_request(on_demand, make_application, tmp_path):
    result = run("-c", on_demand, "profile", "--minutes", "5", "--path", "/avatars/*")
    assert result.stderr == ""
    assert re.search(
        r"Valid for requests to /avatars/\* until \d\d:\d\d UTC, 5 min from now\.", result.stdout
    )
    assert f"Profiles go to the log and to {tmp_path}/profiles." in result.stdout
    (curl,) = re.findall(r"^ *(curl .*)$", result.stdout, re.M)
    (name, value), url = header_of(curl)
    assert name == HEADER
    assert url == "http://127.0.0.1:0/avatars/"
    assert f"{HEADER}: {value}" in result.stdout
    assert f'document.cookie = "{COOKIE}={value}; path=/; max-age=300; samesite=lax"' in result.stdout
    browser = make_application({PROFILER.key: "on_demand"}).browser()
    picture = browser.get("/avatars/0123456789abcdef.svg", headers={name: value})
    assert picture.headers[HEADER] == "profiled"
    assert browser.get("/explore", headers={name: value}).headers[HEADER].startswith("not profiled")


def test_the_address_is_the_one_that_people_see(on_demand, monkeypatch):
    monkeypatch.setenv(PUBLIC_URL.variable, "https://example.org")
    output = run("-c", on_demand, "profile").stdout
    assert " https://example.org/\n" in output
    assert " https://example.org/posts/…\n" not in output
    assert "https://example.org/posts/…" in run("-c", on_demand, "profile", "--path", "/posts/?*").stdout


def test_where_the_profiler_is_off_it_warns(ini):
    result = run("-c", ini, "profile")
    assert "microblog.profiler is false in" in result.stderr
    assert "Profiles go to the log.\n" in result.stdout


@pytest.mark.parametrize("arguments", [["--path", "users"], ["--minutes", "0"], ["--minutes", "1441"]])
def test_invalid_arguments_are_refused(on_demand, arguments):
    assert "Invalid value" in run("-c", on_demand, "profile", *arguments, status=2).stderr


@pytest.mark.slow
def test_serve_profiles_each_request_of_one_run(start, application, tmp_path):
    url = application.registry.microblog[DATABASE_URL]
    more = f"microblog.worker = off\nmicroblog.profiler.directory = {tmp_path}/profiles"
    server = start("-c", write_ini(tmp_path / "own.ini", url, more=more), "serve", "--profile")
    address = server.line().split()[3].replace("localhost", "127.0.0.1")
    with urllib.request.urlopen(f"{address}/avatars/0123456789abcdef.svg", timeout=30) as response:
        name = response.headers[HEADER]
    assert (tmp_path / "profiles" / f"{name}.prof").exists()
    assert server.end(signal.SIGTERM)[0] == 0
