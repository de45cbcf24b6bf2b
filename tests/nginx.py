"""nginx with the site of `deploy/nginx.conf`, on ports and with a certificate of the test's own.

with serving(folder, upstream=port, media=path) as nginx:
    nginx.get("/explore")
"""

from __future__ import annotations

import http.client
import os
import re
import shlex
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from microblog.commands.serve import can_bind
from tests.sink import free_port

SITE = Path(__file__).parents[1] / "deploy" / "nginx.conf"
SECONDS_TO_START = 30.0


@dataclass(frozen=True)
class Programs:
    nginx: str
    openssl: str


def find_programs() -> Programs:
    """Skips the test where one is missing."""
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin")
    openssl = shutil.which("openssl")
    if nginx is None or openssl is None:
        pytest.skip("Install nginx and openssl (Debian: apt install nginx), to check deploy/nginx.conf.")
    return Programs(nginx, openssl)


def write_configuration(
    programs: Programs, folder: Path, *, http: int, https: int, user: str | None = None
) -> Path:
    """A whole configuration of nginx with the site, which listens on these ports."""
    key, certificate = folder / "privkey.pem", folder / "fullchain.pem"
    subprocess.run(
        shlex.split(
            f"{programs.openssl} req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "
            f"-subj /CN=example.org -keyout {key} -out {certificate}"
        ),
        check=True,
        capture_output=True,
    )
    site = SITE.read_text(encoding="utf-8").replace("/etc/letsencrypt/live/example.org", str(folder))
    for usual, port in ((80, http), (443, https)):
        site = re.sub(rf"listen (\[::\]:)?{usual}\b", rf"listen \g<1>{port}", site)
    if not can_bind(socket.AF_INET6, "::1"):
        site = re.sub(r"^\s*listen \[::\].*\n", "", site, flags=re.M)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    # The folders of a test are for its user alone.
    runs_as = f"user {user or 'root'};" if os.geteuid() == 0 else ""
    configuration = folder / "nginx.conf"
    configuration.write_text(
        f"{runs_as} pid {folder}/pid; error_log {folder}/error.log; events {{}} "
        f"http {{ {temporary} access_log off;\n{site}\n}}"
    )
    return configuration


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes


class Nginx:
    """A running one."""

    def __init__(self, port: int) -> None:
        self._port = port

    def get(self, path: str, *, method: str = "GET", **headers: str) -> Answer:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection("127.0.0.1", self._port, timeout=30, context=context)
        try:
            sent = {"Host": "example.org", **{name.replace("_", "-"): text for name, text in headers.items()}}
            connection.request(method, path, headers=sent)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()


@contextmanager
def serving(folder: Path, *, upstream: int, media: Path, user: str | None = None) -> Iterator[Nginx]:
    """nginx in front of the site at the port `upstream`, which keeps its pictures in the folder `media`.

    It runs as this user, else as that of the test.
    """
    programs = find_programs()
    port = free_port()
    configuration = write_configuration(programs, folder, http=free_port(), https=port, user=user)
    text = configuration.read_text()
    for told, here in ((":6543", f":{upstream}"), ("/var/lib/microblog/media/", f"{media}/")):
        assert told in text
        text = text.replace(told, here)
    configuration.write_text(text)
    process = subprocess.Popen([programs.nginx, "-c", str(configuration), "-g", "daemon off;"])
    try:
        end = time.monotonic() + SECONDS_TO_START
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert process.poll() is None, (folder / "error.log").read_text()
                assert time.monotonic() < end, "nginx does not start."
                time.sleep(0.02)
        yield Nginx(port)
    finally:
        process.terminate()
        process.wait()
