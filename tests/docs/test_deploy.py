"""What `deploy/` names exists: commands, settings, paths, addresses; and the tools of each file accept it.

None of it can be run here as a whole. A unit is given to systemd-analyze, the site to nginx, the containers
to the schema of Compose, the rotation to logrotate.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from microblog.commands.new import read_template
from microblog.commands.serve import MARGIN_BYTES
from microblog.media.settings import MAX_BYTES, PICTURES_PER_POST
from microblog.request import MAX_BODY
from microblog.settings import NOT_SETTINGS
from tests.docs.test_documents import fault_of_command, settings, variables_in
from tests.nginx import find_programs, write_configuration

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
FILES = sorted(path for path in DEPLOY.iterdir() if path.is_file())
SERVICES = sorted(DEPLOY.glob("*.service"))
TIMERS = sorted(DEPLOY.glob("*.timer"))
OPERATING = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
CHECKER = Path(sys.executable).parent / "check-jsonschema"
PROGRAM = "/opt/microblog/bin/microblog"
WORST_EXPOSURE = 3.0
# Where the files are, or what they use, on the machine of an operator.
KNOWN_PLACES = re.compile(
    r"/(opt/microblog|etc/microblog/(production\.ini|environment|development\.ini)|var/(lib|log)/microblog"
    r"|run/microblog|usr/local/bin/microblog|etc/(systemd/system|logrotate\.d/microblog|nginx|letsencrypt)"
    r"|var/www/html|dev/null)"
)
PORT = "6543"


def name_of(path: Path) -> str:
    return path.name


def get_text(name: str) -> str:
    return (DEPLOY / name).read_text(encoding="utf-8")


def known_variables() -> set[str]:
    return {setting.variable for setting in settings().values()} | set(NOT_SETTINGS)


def read_assignments(text: str) -> dict[str, str]:
    """NAME: value, of an environment file, also of the lines that are commented out."""
    return dict(re.findall(r"^(?:# )?([A-Z][A-Z0-9_]*)=(.*)$", text, re.M))


# Everything


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_variable_and_setting_exists(path):
    text = path.read_text(encoding="utf-8")
    assert not variables_in(text) - known_variables()
    assert not set(re.findall(r"\bmicroblog\.[a-z_]+(?:\.[a-z_]+)*\b", text)) - {
        *settings(),
        *(unit.name for unit in (*SERVICES, *TIMERS)),
    }


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_path_of_the_repository_exists(path):
    text = path.read_text(encoding="utf-8")
    named = set(re.findall(r"\b(?:deploy|docs)/[\w.-]*\w", text)) - {"deploy/.env"}
    assert not {name for name in named if not (ROOT / name).exists()}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_file_is_where_the_operating_page_puts_it(path):
    told = OPERATING + get_text("compose.yaml") + get_text("Containerfile")
    assert path.name in told or f"*{path.suffix}" in told


# systemd


class Unit:
    """A unit file; a key may be there several times."""

    def __init__(self, path: Path) -> None:
        self.lines = [
            line.split("=", 1)
            for line in path.read_text(encoding="utf-8").splitlines()
            if re.match(r"[A-Z]\w*=", line)
        ]

    def values(self, key: str) -> list[str]:
        return [value for name, value in self.lines if name == key]


def commands() -> Iterator[list[str]]:
    """The arguments of `microblog`, wherever deploy/ calls it."""
    for path in SERVICES:
        for line in Unit(path).values("ExecStart"):
            program, *arguments = shlex.split(line)
            assert program == PROGRAM
            yield arguments
    compose = compose_file()
    for service in compose["services"].values():
        if service.get("command"):
            program, *arguments = service["command"]
            assert program == "microblog"
            yield arguments
    for line in re.findall(r'^CMD \["microblog", (.*)\]$', get_text("Containerfile"), re.M):
        yield [word.strip('" ') for word in line.split(",")]
    for path in FILES:
        for line in re.findall(r"\b(?:run --rm worker|Try:|&&|RUN) (?:microblog) (.+)", path.read_text()):
            yield shlex.split(line.rstrip("\\ "))


def test_every_command_exists():
    found = list(commands())
    assert {"serve", "worker", "backup", "restore", "search", "database", "user", "mail"} <= {
        arguments[0] for arguments in found
    }
    assert not {" ".join(words): fault for words in found if (fault := fault_of_command(words))}


@pytest.mark.parametrize("path", SERVICES, ids=name_of)
def test_every_place_that_a_unit_names_is_known(path):
    unit = Unit(path)
    for key in ("ExecStart", "EnvironmentFile", "WorkingDirectory", "ReadWritePaths"):
        for value in unit.values(key):
            for place in re.findall(r"(?<![\w/])/[\w/.-]+", value):
                assert KNOWN_PLACES.match(place), place
    assert unit.values("User") == ["microblog"]
    assert unit.values("EnvironmentFile") == ["/etc/microblog/environment"]


def hardening(path: Path) -> str:
    return path.read_text(encoding="utf-8").partition("# What it may not do")[2].partition("\n\n")[0].strip()


def test_all_services_are_confined_alike():
    assert len({hardening(path) for path in SERVICES}) == 1
    assert len(hardening(SERVICES[0]).splitlines()) > 20


def test_the_backup_writes_into_a_folder_that_it_may_write():
    unit = Unit(DEPLOY / "microblog-backup.service")
    folders = [f"/var/lib/{name}" for name in unit.values("StateDirectory")[0].split()]
    for line in unit.values("ExecStart"):
        assert line.split()[-1] in folders


def test_every_timer_starts_a_service_that_is_there():
    for path in TIMERS:
        assert path.with_suffix(".service") in SERVICES
    assert TIMERS


def systemd_analyze(*arguments: str) -> str:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("Install systemd (Debian: apt install systemd), to check the units of deploy/.")
    result = subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    return f"{result.stdout}{result.stderr}"


def test_the_units_are_correct(tmp_path):
    """As they are, but for the program, which is not installed here."""
    for path in (*SERVICES, *TIMERS):
        text = path.read_text(encoding="utf-8").replace(PROGRAM, "/bin/true")
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    files = sorted(map(str, tmp_path.iterdir()))
    said = systemd_analyze("verify", *files)
    assert not [line for line in said.splitlines() if "microblog" in line]


@pytest.mark.parametrize("path", SERVICES, ids=name_of)
def test_a_service_may_do_little(path):
    said = systemd_analyze("security", "--offline=true", str(path))
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert found, said
    assert float(found[1]) <= WORST_EXPOSURE


# The environment file and the command


def test_systemd_and_the_shell_read_the_same_from_the_environment_file():
    text = get_text("environment")
    for line in text.splitlines():
        assert not line or line.startswith("# ") or line == "#" or re.fullmatch(r"[A-Z_]+='[^']*'", line)
    for name, value in read_assignments(text).items():
        assert re.fullmatch(r"'[^']*'", value), name


def test_the_command_gives_the_environment_on(tmp_path):
    environment = tmp_path / "environment"
    environment.write_text("# a comment\nMICROBLOG_SITE_NAME='A name & a sign: 50% of $HOME'\n")
    program = tmp_path / "program"
    program.write_text('#!/bin/sh\necho "$MICROBLOG_SITE_NAME|$*|$(umask)"\n')
    program.chmod(0o755)
    script = get_text("microblog").replace("/etc/microblog/environment", str(environment))
    script = script.replace(PROGRAM, str(program)).replace("/usr/sbin/runuser --user microblog -- ", "")
    result = subprocess.run(
        ["sh", "-c", script, "microblog", "search", "verify"], capture_output=True, text=True, check=True
    )
    assert result.stdout == "A name & a sign: 50% of $HOME|search verify|0077\n"


def test_cron_finds_the_command_though_it_looks_into_few_folders():
    assert re.findall(r"^\d+ \d+ \* \* \* root (\S+) ", OPERATING, re.M) == ["/usr/local/bin/microblog"] * 2
    assert "exec /usr/sbin/runuser " in get_text("microblog")


# nginx


def test_nginx_lets_pass_what_the_site_accepts_and_a_little_more():
    (size,) = re.findall(r"^\s*client_max_body_size (\d+);", get_text("nginx.conf"), re.M)
    largest = MAX_BODY.default + MAX_BYTES.default * PICTURES_PER_POST.default
    assert largest < int(size) <= largest + MARGIN_BYTES


def test_nginx_finds_the_site_and_is_believed_by_it():
    ini = ConfigParser(interpolation=None)
    ini.read_string(read_template("production.ini"))
    server = ini["server:main"]
    assert server["listen"] == f"127.0.0.1:{PORT}"
    assert f"server {server['listen']};" in get_text("nginx.conf")
    assert server["trusted_proxy"] == "127.0.0.1"
    for header in server["trusted_proxy_headers"].split():
        assert re.search(f"proxy_set_header {header} ", get_text("nginx.conf"), re.I)


def test_what_is_for_machines_is_not_for_the_world():
    for address in ("/metrics", "/health/ready"):
        (block,) = re.findall(rf"location = {address} {{(.*?)}}", get_text("nginx.conf"), re.S)
        assert "deny all;" in block


def test_nginx_takes_the_site(tmp_path):
    """`tests/functional/media/test_nginx.py` also starts it."""
    programs = find_programs()
    configuration = write_configuration(programs, tmp_path, http=1080, https=10443)
    result = subprocess.run(
        [programs.nginx, "-t", "-c", str(configuration)], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert "[warn]" not in result.stderr + (tmp_path / "error.log").read_text()


def test_nginx_reads_pictures_where_the_site_keeps_them():
    folder = read_assignments(get_text("environment"))["MICROBLOG_MEDIA_FOLDER"].strip("'")
    prefix = read_assignments(get_text("environment"))["MICROBLOG_MEDIA_ACCEL_REDIRECT"].strip("'")
    (block,) = re.findall(rf"location {prefix} {{(.*?)}}", get_text("nginx.conf"), re.S)
    assert "internal;" in block
    assert f"alias {folder}/;" in block


# logrotate


def test_logrotate_takes_the_file(tmp_path):
    logrotate = shutil.which("logrotate", path="/usr/sbin:/usr/bin")
    if logrotate is None:
        pytest.skip("Install logrotate (Debian: apt install logrotate), to check deploy/logrotate.")
    text = get_text("logrotate")
    assert "postrotate" not in text  # WatchedFileHandler needs nobody to tell it
    # Neither its user nor its folder is here.
    text = text.replace("/var/log/microblog", str(tmp_path))
    text = re.sub(r"^    su .*\n", "", text, flags=re.M).replace(" microblog microblog", "")
    (tmp_path / "site.log").write_text("a line\n")
    (tmp_path / "rules").write_text(text)
    (tmp_path / "rules").chmod(0o644)
    result = subprocess.run(
        [logrotate, "--force", "--state", str(tmp_path / "state"), str(tmp_path / "rules")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert (tmp_path / "site.log").read_text() == ""
    assert (tmp_path / "site.log.1").read_text() == "a line\n"


# Containers


@cache
def compose_file() -> Any:
    return YAML(typ="safe").load(get_text("compose.yaml"))


def test_compose_accepts_the_file():
    result = subprocess.run(
        [CHECKER, "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout


def test_every_variable_of_compose_is_in_its_example():
    used = set(re.findall(r"\$\{([A-Z_]+)", get_text("compose.yaml")))
    assert used == set(read_assignments(get_text("compose.env.example")))


def test_compose_builds_from_what_is_there_and_asks_for_life():
    compose = compose_file()
    build = compose["services"]["web"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).resolve() == DEPLOY / "Containerfile"
    (check,) = [part for part in compose["services"]["web"]["healthcheck"]["test"] if "http" in part]
    assert f"http://127.0.0.1:{PORT}/health/live" in check
    compile(check, "healthcheck", "exec")
    for service in compose["services"].values():
        assert set(service.get("depends_on", {})) <= set(compose["services"])
        for volume in service["volumes"]:
            assert volume.split(":")[0] in compose["volumes"]


def test_the_health_address_answers(browser):
    assert browser.get("/health/live").status_int == 200


def test_the_image_takes_files_that_are_there_and_its_constraints_have_versions():
    text = get_text("Containerfile")
    for name in ("requirements.lock", "requirements-dev.lock"):
        assert name in text
        assert (ROOT / name).exists()
    (script,) = re.findall(r"sed -n '([^']*)' requirements-dev.lock", text)
    result = subprocess.run(
        ["sed", "-n", script, str(ROOT / "requirements-dev.lock")], capture_output=True, text=True, check=True
    )
    names = {line.partition("==")[0] for line in result.stdout.splitlines()}
    assert {"psycopg", "psycopg-binary", "elasticsearch", "sqlalchemy"} <= names
    assert not [name for name in names if "[" in name]  # pip takes no constraint that has extras
    assert "/^microblog.secret *=/d" in text  # no secret is in the image
