"""`microblog serve` and `microblog worker`, as processes, and what they refuse."""

from __future__ import annotations

import re
import resource
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest

from microblog.commands.serve import can_bind, format_address
from tests.functional.commands.conftest import EXECUTABLES, run, write_ini

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]


def parse_url(line):
    match = re.fullmatch(r"microblog is at (http://localhost:\d+) \(Ctrl-C stops it\)\.", line)
    assert match, line
    return match[1].replace("localhost", "127.0.0.1")


def page(url):
    with urllib.request.urlopen(url, timeout=30) as response:
        return response.status, response.headers, response.read().decode()


def quiet(ended):
    """(status, errors) without what waitress says of a machine that is busy."""
    status, errors = ended
    return status, "".join(line for line in errors.splitlines(True) if "Task queue depth" not in line)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_the_server_runs_until_a_signal_stops_it(start, ini, end):
    server = start("-c", ini, "serve")
    status, headers, text = page(parse_url(server.line()))
    assert status == 200
    assert "<html" in text
    assert "Server" not in headers
    assert quiet(server.end(end)) == (0, "")


def test_the_processes_that_decode_pictures_end_with_the_server(start, ini, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    ini.write_text(
        ini.read_text().replace(
            "microblog.worker = off",
            "pyramid.includes = tests.functional.commands.picturing\nmicroblog.worker = off",
        )
    )
    server = start("-c", ini, "serve")
    server.line()
    status, errors = quiet(server.end(signal.SIGTERM))
    assert (status, errors) == (0, "before: 1\nafter: 0\n")


def test_upgrade_makes_a_new_site_and_a_second_start_finds_it(start, new_site):
    text = new_site.read_text().replace("microblog.worker = off", "microblog.worker = inline")
    new_site.write_text(text)
    for said in ("The database is made", "The database is up to date"):
        server = start("-c", new_site, "serve", "--upgrade")
        assert server.line().startswith(said)
        assert page(parse_url(server.line()))[0] == 200
        assert quiet(server.end(signal.SIGTERM)) == (0, "")


def test_without_a_database_it_warns_and_serves(start, new_site):
    server = start("-c", new_site, "serve")
    parse_url(server.line())
    status, errors = server.end(signal.SIGTERM)
    assert status == 0
    assert "Warning: There is no database at" in errors
    assert f"run `microblog -c {new_site} database upgrade`." in errors


def test_a_search_that_is_down_is_a_warning(start, ini):
    down = "tests.functional.commands.broken.DownSearch"
    ini.write_text(ini.read_text().replace("\nmicroblog.search = ", f"\nmicroblog.search = {down}\n#"))
    error = run("-c", ini, "database", "check", status=1).stderr
    assert "The index does not answer." in error


def test_a_port_in_use_is_reported(ini):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        error = run("-c", ini, "serve", "--listen", address, status=1).stderr
    assert f"Something listens at {address} already" in error


def test_an_address_of_another_machine_is_reported(ini):
    error = run("-c", ini, "serve", "--listen", "192.0.2.1:80", status=1).stderr
    assert "Cannot listen at 192.0.2.1:80" in error


def test_a_broken_server_section_is_reported(ini):
    text = ini.read_text()
    ini.write_text(text.replace("listen = 127.0.0.1:0", "thread = 4"))
    assert "[server:main] or --listen is wrong" in run("-c", ini, "serve", status=1).stderr
    ini.write_text(text.replace("egg:waitress#main", "egg:gunicorn#main"))
    assert "`microblog serve` runs waitress" in run("-c", ini, "serve", status=1).stderr


def test_the_server_listens_on_a_socket_of_the_file_system(start, ini, tmp_path):
    ini.write_text(ini.read_text().replace("listen = 127.0.0.1:0", "unix_socket = %(here)s/socket"))
    server = start("-c", ini, "serve")
    assert server.line() == f"microblog is at the socket {tmp_path}/socket (Ctrl-C stops it)."
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(tmp_path / "socket"))
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.0 200 OK")
    assert server.end(signal.SIGTERM)[0] == 0


def test_the_address_is_one_that_a_browser_takes():
    assert format_address(SimpleNamespace(effective_listen=[("example.org", 80)])) == "http://example.org:80"
    assert (
        format_address(SimpleNamespace(effective_listen=[("2001:db8::1", 80)])) == "http://[2001:db8::1]:80"
    )
    assert (
        format_address(SimpleNamespace(effective_host="0.0.0.0", effective_port=80)) == "http://localhost:80"
    )


def test_an_address_that_this_machine_has_not_cannot_be_bound():
    assert can_bind(socket.AF_INET, "127.0.0.1")
    assert not can_bind(socket.AF_INET, "192.0.2.1")


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_the_worker_runs_until_a_signal_stops_it(start, ini, end):
    ini.write_text(ini.read_text().replace("microblog.worker = off", "microblog.worker = separate"))
    worker = start("-c", ini, "worker")
    assert worker.line() == "The worker runs (Ctrl-C stops it)."
    assert worker.end(end) == (0, "")


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_the_application_is_not_looked_through_for_garbage(start, ini, monkeypatch, command):
    """That would stop all threads for as long as some pages take."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    plugin = "pyramid.includes = tests.functional.commands.exempt\nmicroblog.worker = off"
    ini.write_text(ini.read_text().replace("microblog.worker = off", plugin))
    process = start("-c", ini, command)
    process.line()
    status, errors = quiet(process.end(signal.SIGTERM))
    assert status == 0
    exempt = re.search(r"exempt: (\d+)", errors)
    assert exempt is not None
    assert int(exempt[1]) > 50_000


def test_a_worker_beside_an_inline_one_and_a_missing_database_are_warnings(start, tmp_path):
    ini = write_ini(tmp_path / "x.ini", f"sqlite+pysqlite:///{tmp_path}/none.sqlite3", more="")
    worker = start("-c", ini, "worker")
    worker.line()
    status, errors = worker.end(signal.SIGTERM)
    assert status == 0
    assert "Warning: There is no database" in errors
    assert "Warning: the server does this work itself (microblog.worker = inline)" in errors


def test_pshell_has_a_session_and_the_models(ini, microblog):
    microblog("user", "add", "susan", "--password-stdin", stdin="a long password\n")
    shell = subprocess.run(
        [EXECUTABLES / "pshell", ini],
        input="print('people:', dbsession.query(User.nickname).all())\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert "people: [('susan',)]" in shell.stdout


def test_the_metrics_of_several_processes_are_added_up(start, ini, tmp_path):
    ini.write_text(
        ini.read_text().replace(
            "microblog.worker = off",
            "microblog.worker = separate\nmicroblog.metrics = true\n"
            "microblog.metrics.directory = %(here)s/numbers",
        )
    )
    worker, *servers = [start("-c", ini, command) for command in ("worker", "serve", "serve")]
    worker.line()
    urls = [parse_url(server.line()) for server in servers]
    for url in urls:
        page(f"{url}/explore")
    output = [page(f"{url}/metrics")[2] for url in urls]
    for text in output:
        assert 'microblog_requests_total{context="Root",status="200",view="explore"} 2.0' in text
    files = {file.name.split("_")[1] for file in (tmp_path / "numbers").glob("counter_*.db")}
    assert len(files) == 3  # processes, the worker among them
    for process in (worker, *servers):
        assert quiet(process.end(signal.SIGTERM)) == (0, "")


HALF_OPEN = 1100
SECONDS_FOR_A_PAGE = 20  # on a very busy machine; it takes some hundredths


@pytest.fixture
def many_files():
    """Lets this process open as many files as it takes to be a nuisance."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, HALF_OPEN + 500), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def connected(stack, url, *data):
    """A connection that has sent this, and stays open."""
    host, _, port = url.removeprefix("http://").partition(":")
    client = stack.enter_context(socket.create_connection((host, int(port)), timeout=30))
    for piece in data:
        client.sendall(piece)
    return client


def seconds_for_a_page(url):
    began = time.monotonic()
    assert page(f"{url}/explore")[0] == 200
    return time.monotonic() - began


@pytest.mark.parametrize(
    "sent", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nx"]
)
def test_connections_that_are_half_open_stop_nobody(start, ini, many_files, sent):
    server = start("-c", ini, "serve")
    url = parse_url(server.line())
    with ExitStack() as stack:
        for _ in range(HALF_OPEN):
            connected(stack, url, sent)
        assert seconds_for_a_page(url) < SECONDS_FOR_A_PAGE
        assert seconds_for_a_page(url) < SECONDS_FOR_A_PAGE
    assert quiet(server.end(signal.SIGTERM)) == (0, "")


def test_slow_clients_keep_no_thread_busy(start, ini):
    ini.write_text(ini.read_text().replace("[server:main]", "[server:main]\nthreads = 2"))
    url = parse_url(start("-c", ini, "serve").line())
    head = b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    long_form = b"body=" + b"<" * 190_000  # which is given back, five times as long
    with ExitStack() as stack:
        for _ in range(20):
            connected(stack, url, head, b"Content-Length: 900000\r\n\r\n", b"a" * 99)
            connected(stack, url, head, b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\nabcde\r\n")
            connected(stack, url, head, b"Content-Length: %d\r\n\r\n" % len(long_form), long_form)
        assert seconds_for_a_page(url) < SECONDS_FOR_A_PAGE


def test_a_connection_without_a_byte_is_closed(start, ini):
    ini.write_text(
        ini.read_text().replace("[server:main]", "[server:main]\nchannel_timeout = 1\ncleanup_interval = 1")
    )
    url = parse_url(start("-c", ini, "serve").line())
    with ExitStack() as stack:
        client = connected(stack, url, b"GET / HTTP/1.1\r\nHost: x\r\n")
        assert client.recv(1) == b""


def test_a_head_that_is_too_long_is_answered_with_a_page(start, ini):
    url = parse_url(start("-c", ini, "serve").line())
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(urllib.request.Request(url, headers={"Cookie": "a" * 20_000}), timeout=30)
    assert error.value.code == 431
    assert "Too many headers" in error.value.read().decode()
    error.value.close()


def test_with_few_files_it_warns_and_serves(start, ini):
    server = start("-c", ini, "serve", files=500)
    assert seconds_for_a_page(parse_url(server.line())) < SECONDS_FOR_A_PAGE
    status, errors = server.end(signal.SIGTERM)
    assert status == 0
    assert "Warning: At most 122 connections are held at once instead of 3,000" in errors
