"""What the settings of Elasticsearch do: secrets and certificates reach the server, versions are checked."""

from __future__ import annotations

import base64
import shutil
import ssl
import subprocess
import sys

import pytest

from microblog import SettingsError, configure
from microblog.outbox.kinds import Outcome
from microblog.outbox.queries import Leased
from microblog.search.elasticsearch.index import get_outcome
from microblog.search.elasticsearch.server import (
    API_KEY,
    CA_CERTIFICATE,
    PASSWORD,
    URL,
    USER,
    Failures,
    describe_error,
    require_supported_client,
)
from microblog.search.interfaces import SearchUnavailable, get_search
from tests.conftest import SETTINGS
from tests.gate import PRODUCT, Gate

NOTHING_FOUND = {
    "status": 200,
    "headers": PRODUCT,
    "body": {"version": {"number": "8.19.5"}, "timed_out": False, "hits": {"hits": []}},
}


def adapter(**settings: str):
    more = {f"microblog.search.elasticsearch.{key}": value for key, value in settings.items()}
    return get_search(configure({**SETTINGS, "microblog.search": "elasticsearch", **more}).registry)


def asked(search) -> list[int]:
    return search._search_ids(query={"match_all": {}}, size=1)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """An authority, and a server's certificate that it signed, made by `openssl`."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("Install openssl, to test the certificate of a search server.")
    folder = tmp_path_factory.mktemp("certificates")

    def run(*arguments: str) -> None:
        subprocess.run([openssl, *arguments], cwd=folder, check=True, capture_output=True)

    key = ("-newkey", "rsa:2048", "-nodes")
    # Python 3.13 verifies strictly (RFC 5280): what a key may be used for, and whose it is, must be said.
    authority = ("-x509", "-days", "2", "-subj", "/CN=Authority", "-addext", "keyUsage=critical,keyCertSign")
    run("req", *authority, *key, "-keyout", "ca.key", "-out", "ca.pem")
    run("req", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=127.0.0.1")
    (folder / "names").write_text(
        "subjectAltName=IP:127.0.0.1\nauthorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n"
    )
    signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names", "-days", "2")
    run("x509", "-req", "-in", "server.csr", *signed, "-out", "server.pem")
    return folder


@pytest.fixture
def secure_server(certificates):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
    with Gate(tls=context) as gate:
        gate.mode = NOTHING_FOUND
        yield gate


def test_an_api_key_reaches_the_server_over_tls(secure_server, certificates):
    search = adapter(
        url=secure_server.url, ca_certificate=str(certificates / "ca.pem"), api_key="a-key", user="unused"
    )
    search.seconds_for_a_query = 30
    assert asked(search) == []
    assert secure_server.headers["Authorization"] == "ApiKey a-key"


def test_user_and_password_reach_the_server_over_tls(secure_server, certificates):
    search = adapter(
        url=secure_server.url, ca_certificate=str(certificates / "ca.pem"), user="susan", password="cat"
    )
    search.seconds_for_a_query = 30
    assert asked(search) == []
    expected = base64.b64encode(b"susan:cat").decode()
    assert secure_server.headers["Authorization"] == f"Basic {expected}"


def test_a_server_that_another_authority_signed_gets_no_secret(secure_server, caplog):
    search = adapter(url=secure_server.url, user="susan", password="cat")
    search.seconds_for_a_query = 30
    with pytest.raises(SearchUnavailable):
        asked(search)
    assert secure_server.requests == []
    assert "TlsError" in caplog.text or "certificate" in caplog.text.lower()
    assert "cat" not in caplog.text.replace("certificate", "").replace("CERTIFICATE", "")


def test_the_version_is_asked_once(secure_server, certificates):
    search = adapter(url=secure_server.url, ca_certificate=str(certificates / "ca.pem"))
    search.seconds_for_a_query = 30
    asked(search)
    asked(search)
    assert secure_server.requests.count("GET /") == 1
    assert "Authorization" not in secure_server.headers


def test_secrets_are_not_shown_with_the_settings():
    assert API_KEY.secret
    assert PASSWORD.secret
    assert not any(setting.secret for setting in (URL, USER, CA_CERTIFICATE))


@pytest.mark.parametrize(
    "settings", [{"url": "not-a-url"}, {"url": "https://localhost:1", "ca_certificate": "/no/such.pem"}]
)
def test_settings_that_the_client_does_not_take_stop_the_start(settings):
    with pytest.raises(SettingsError, match="cannot be reached with these settings"):
        adapter(**settings)


def test_without_the_client_the_start_is_stopped_with_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "elasticsearch", None)
    with pytest.raises(SettingsError, match=r"pip install 'microblog\[elasticsearch\]'"):
        adapter()


@pytest.mark.parametrize("version", [(7, 17, 9), (8, 18, 1), (9, 0, 0)])
def test_a_client_of_another_version_is_refused(version):
    with pytest.raises(ValueError, match=r"from 8.19 and below 9, and not \d"):
        require_supported_client(version)


def test_a_failure_and_its_end_are_each_logged_once(caplog):
    failures = Failures()
    failures.end("searching")
    failures.begin("searching", "It is down.")
    failures.begin("indexing", "It is down.")
    failures.begin("searching", "It is down.")
    failures.end("searching")
    failures.end("indexing")
    failures.end("indexing")
    assert [record.getMessage() for record in caplog.records] == [
        "Search fails (searching): It is down. Posting and reading go on.",
        "Search works again.",
    ]


def test_a_sentence_is_short():
    assert len(describe_error(ValueError("x" * 5000))) < 300


TAKEN, GONE, CONFLICT = (201, ""), (404, ""), (409, "newer")
NO_INDEX, BLOCKED, WRONG = (404, "no such index"), (403, "blocked"), (400, "wrong")


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([TAKEN], Outcome((1,))),
        ([TAKEN, CONFLICT], Outcome((1,))),
        ([GONE], Outcome((1,))),
        ([TAKEN, NO_INDEX], Outcome(error="404 no such index.")),
        ([BLOCKED, WRONG], Outcome(error="403 blocked.")),
        ([TAKEN, WRONG], Outcome(refused={1: "wrong"})),
        (None, Outcome(error="0 no answer.")),
    ],
)
def test_an_entry_is_acknowledged_when_every_index_took_it(answers, expected):
    entry = Leased(1, "7", None, 1, 0)
    assert get_outcome([entry], {} if answers is None else {7: answers}) == expected
