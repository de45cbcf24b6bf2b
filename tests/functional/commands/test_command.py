"""What all commands have in common: the ini file, and failures in a sentence."""

from __future__ import annotations

import errno
import signal
import subprocess
import sys
import threading

import pytest

from microblog.checks import HealthCheck, NotAsked
from microblog.console.sentences import explain_error
from microblog.console.site import Site
from microblog.errors import OperatorError
from microblog.operations.commands.doctor import describe_check
from tests.functional.commands.conftest import EXECUTABLES, run, write_ini


def test_the_help_lists_every_command():
    lines = run("--help").output
    for command in ("serve", "new", "database", "user", "import", "worker", "search", "settings"):
        assert f"\n  {command} " in lines


def test_an_unknown_command_is_a_usage_error():
    assert "No such command" in run("nonsense", status=2).stderr


def test_without_an_ini_file_the_message_says_how_to_get_one():
    error = run("settings", status=1).stderr
    assert "There is no file development.ini" in error
    assert "microblog new FOLDER" in error


def test_the_ini_file_comes_from_the_environment(monkeypatch, ini):
    monkeypatch.setenv("MICROBLOG_CONFIG", str(ini))
    assert "microblog.page_size = 25" in run("settings").stdout


def test_the_ini_file_of_this_folder_is_taken(ini, tmp_path):
    ini.rename(tmp_path / "development.ini")
    assert "microblog.page_size = 25" in run("settings").stdout


def test_every_fault_of_the_settings_is_reported(tmp_path):
    ini = write_ini(
        tmp_path / "x.ini", "sqlite://", more="microblog.page_size = many\nmicroblog.pagesize = 1"
    )
    error = run("-c", ini, "settings", status=1).stderr
    assert "microblog.page_size must be a whole number" in error
    assert "microblog.pagesize is not a setting. Did you mean microblog.page_size?" in error


@pytest.mark.slow
@pytest.mark.parametrize("command", [["microblog", "-c", "x.ini", "serve"], ["pserve", "x.ini"]])
def test_every_fault_stops_the_server_at_once(tmp_path, command):
    write_ini(tmp_path / "x.ini", "sqlite://", more="microblog.page_size = many\nmicroblog.pagesize = 1")
    text = (tmp_path / "x.ini").read_text()
    (tmp_path / "x.ini").write_text(text.replace("microblog.secret", "# microblog.secret"))
    ended = subprocess.run(
        [EXECUTABLES / command[0], *command[1:]], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode != 0
    for fault in (
        "microblog.page_size must be a whole number from 1 to 100; 'many' (ini) is not.",
        "microblog.pagesize is not a setting. Did you mean microblog.page_size?",
        "microblog.secret is missing: set it, or MICROBLOG_SECRET, to 32 random characters.",
    ):
        assert fault in ended.stderr


def test_a_log_that_cannot_be_written_is_reported(ini):
    ini.write_text(
        ini.read_text() + "[loggers]\nkeys = root\n[handlers]\nkeys = file\n[formatters]\nkeys =\n"
        "[logger_root]\nhandlers = file\n[handler_file]\nclass = handlers.WatchedFileHandler\n"
        "args = ('%(here)s/nowhere/site.log',)\n"
    )
    error = run("-c", ini, "serve", status=1).stderr
    assert "The log cannot be written (No such file or directory" in error
    assert "make its folder" in error


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[server:main]\n", "The ini file cannot be read: No section 'main'"),
        ("nonsense\n", "The ini file cannot be read: File contains no section headers"),
        (
            "[app:main]\nuse = egg:microblog\nmicroblog.secret = ab%cdef\n",
            "The ini file cannot be read: write a % as %% in microblog.secret of [app:main].",
        ),
        (
            "[app:main]\nuse = egg:microblog\npyramid.includes = no_such_toolbar\n",
            "no_such_toolbar is not installed, but the settings ask for it",
        ),
    ],
)
def test_a_broken_ini_file_is_reported_in_a_sentence(tmp_path, text, sentence):
    (tmp_path / "x.ini").write_text(text)
    assert sentence in run("-c", "x.ini", "settings", status=1).stderr


def test_an_ini_file_that_cannot_be_read_is_reported_in_a_sentence(tmp_path, ini):
    (tmp_path / "latin.ini").write_bytes("[app:main]\n# café\n".encode("latin-1"))
    assert "is not UTF-8" in run("-c", "latin.ini", "doctor", status=1).stderr
    # It is there, and nobody may read it; also for root.
    assert "cannot be read (Input/output error)" in run("-c", "/proc/self/mem", "doctor", status=1).stderr
    ini.rename(tmp_path / "site.conf.txt")
    assert "its name has to end in .ini" in run("-c", "site.conf.txt", "doctor", status=1).stderr


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("level = INFO", "level = LOUD"),
        ("args = (sys.stderr,)", "args = (sys.stderr"),
    ],
)
def test_a_log_that_is_set_up_wrongly_is_reported_in_a_sentence(tmp_path, before, after):
    run("new", "site")
    text = (tmp_path / "site/production.ini").read_text()
    (tmp_path / "site/production.ini").write_text(text.replace(before, after, 1))
    error = run("-c", "site/production.ini", "serve", status=1).stderr
    assert "The log cannot be set up" in error
    assert "[loggers]" in error


CERTIFICATE = "# microblog.search.elasticsearch.ca_certificate = %(here)s/search-ca.pem"


def test_the_lines_of_production_ini_need_only_their_hash_taken_away(tmp_path, monkeypatch):
    run("new", "site")
    text = (tmp_path / "site/production.ini").read_text()
    prefixes = (
        "mail",
        "search = elasticsearch",
        "search.elasticsearch",
        "url",
        "admins",
        "profiler",
        "metrics",
    )
    lines = [
        line[2:] if line.startswith(tuple(f"# microblog.{prefix}" for prefix in prefixes)) else line
        for line in text.splitlines()
        # One of the two; and a file of somebody's own.
        if line not in ("# microblog.mail = folder", CERTIFICATE)
    ]
    (tmp_path / "site/production.ini").write_text("\n".join(lines))
    monkeypatch.setenv("MICROBLOG_MAIL_SMTP_PASSWORD", "only for tests")
    monkeypatch.setenv("MICROBLOG_METRICS_DIRECTORY", str(tmp_path))
    output = run("-c", "site/production.ini", "settings").stdout
    for setting in ("mail = smtp", "search = elasticsearch", "profiler = on_demand", "metrics = true"):
        assert f"microblog.{setting}\n    from: ini" in output


def test_a_database_that_cannot_be_reached_is_reported_in_a_sentence(tmp_path):
    ini = write_ini(tmp_path / "x.ini", "postgresql+psycopg://me:secret@127.0.0.1:1/x")
    for command in (["database", "upgrade"], ["database", "check"]):
        error = run("-c", ini, *command, status=1).stderr
        assert "The database cannot be used" in error
        assert "check microblog.database.url" in error
        assert "secret" not in error


def test_a_file_that_is_no_database_is_reported_in_a_sentence(tmp_path):
    (tmp_path / "x.sqlite3").write_text("This is no database. " * 100)
    ini = write_ini(tmp_path / "x.ini", f"sqlite+pysqlite:///{tmp_path}/x.sqlite3")
    assert "file is not a database" in run("-c", ini, "database", "check", status=1).stderr


def test_a_file_that_cannot_be_used_is_reported_in_a_sentence(microblog):
    name = "x" * 300  # also for root, who may everything else
    assert (
        f"{name} cannot be read or written (File name too long)" in microblog("backup", name, status=1).stderr
    )
    assert explain_error(OSError(errno.ENOENT, "of ours")) is None


def test_a_new_database_is_for_its_owner_only(new_site, tmp_path):
    run("-c", new_site, "database", "upgrade")
    assert (tmp_path / "var" / "new.sqlite3").stat().st_mode & 0o777 == 0o600


def test_a_fault_of_ours_keeps_its_traceback(ini, tmp_path):
    broken = "tests.functional.commands.broken.FaultySearch"
    ini.write_text(ini.read_text().replace("\nmicroblog.search = ", f"\nmicroblog.search = {broken}\n#"))
    with pytest.raises(RuntimeError, match="a fault"):
        run("-c", ini, "search", "status")


def test_lookup_and_import_errors_of_our_own_are_no_sentences():
    assert explain_error(KeyError("x")) is None
    assert explain_error(ModuleNotFoundError(name="microblog.nonsense")) is None


def test_settings_tell_value_source_and_meaning_but_no_secret(monkeypatch, microblog):
    monkeypatch.setenv("MICROBLOG_PAGE_SIZE", "7")
    lines = microblog("settings").stdout
    assert "microblog.page_size = 7\n    from: environment\n    Posts, or people, on a page.\n" in lines
    assert "microblog.secret = (secret)\n    from: ini\n" in lines
    assert "microblog.cookies.secure = false\n    from: ini\n" in lines
    assert "microblog.url = \n    from: default\n" in lines
    assert "only for tests" not in lines


def test_settings_tell_no_password_inside_of_an_address(monkeypatch, microblog):
    monkeypatch.setenv("MICROBLOG_SEARCH", "elasticsearch")
    monkeypatch.setenv(
        "MICROBLOG_SEARCH_ELASTICSEARCH_URL", "https://me:hunter2@one.example:9200 https://two.example:9200"
    )
    assert "url = https://me:***@one.example:9200 https://two.example:9200\n" in microblog("settings").stdout


ADDRESSES = [
    ("microblog.database.url", "postgresql+psycopg://me:{}@db.example/blog"),
    ("microblog.database.url", "postgresql+psycopg://db.example/blog?user=me&password={}"),
    ("microblog.database.url", "postgresql+psycopg://me:x@/blog?host=db.example&sslpassword={}"),
    ("microblog.search.elasticsearch.url", "https://me:{}@search.example:9200/x"),
    ("microblog.search.elasticsearch.url", "https://one.example:1 https://me:{}@search.example:9200"),
    ("microblog.search.elasticsearch.url", "https://search.example:9200/?api_key={}"),
    ("microblog.mail.smtp.password", "{}"),
]
PASSWORDS = ["hunter2", "hunter2%40x", "hunter2%2Fx", "hunter2:x"]
IN_AN_ADDRESS = ["x@hunter2", "x/hunter2@y", "hunter2#x", "x@y/hunter2"]


@pytest.mark.parametrize(("key", "address"), ADDRESSES)
@pytest.mark.parametrize("password", [*PASSWORDS, *IN_AN_ADDRESS])
def test_settings_tell_where_a_service_is_and_no_password(monkeypatch, microblog, key, address, password):
    monkeypatch.setenv("MICROBLOG_SEARCH", "none")
    monkeypatch.setenv(key.upper().replace(".", "_"), address.format(password))
    output = microblog("settings").stdout
    assert f"\n{key} = " in output
    assert "hunter2" not in output
    if password in PASSWORDS and "@" in address:
        assert address.format("***") in output.replace("%2F", "/") or "db.example" in output


def test_settings_tell_where_the_database_is(new_site, tmp_path, monkeypatch):
    assert f"microblog.database.url = sqlite+pysqlite:///{tmp_path}/var/new.sqlite3\n" in (
        run("-c", new_site, "settings").stdout
    )
    monkeypatch.setenv("MICROBLOG_SEARCH", "none")
    monkeypatch.setenv("MICROBLOG_DATABASE_URL", "postgresql+psycopg:///?service=blog")
    assert "microblog.database.url = postgresql+psycopg:///?service=blog\n" in (
        run("-c", new_site, "settings").stdout
    )


def test_settings_tell_what_is_not_in_use_only_where_somebody_set_it(new_site, monkeypatch):
    assert "elasticsearch" not in run("-c", new_site, "settings").stdout.replace("fts5 (inside", "").replace(
        "elasticsearch, none", ""
    )
    monkeypatch.setenv("MICROBLOG_SEARCH_ELASTICSEARCH_URL", "https://search.example:9200")
    monkeypatch.setenv("MICROBLOG_PAGE_SISE", "7")
    result = run("-c", new_site, "settings")
    assert (
        "microblog.search.elasticsearch.url = https://search.example:9200\n"
        "    from: environment (not in use)\n"
    ) in result.stdout
    warning = "MICROBLOG_PAGE_SISE (environment) is ignored: it is not a setting."
    assert f"Warning: {warning}" in result.stderr
    assert f"warning settings: {warning}" in run("-c", new_site, "doctor", status=1).stdout


def test_a_server_logs_odd_variables_once(tmp_path, monkeypatch, start):
    run("new", "site")
    monkeypatch.setenv("MICROBLOG_PORT", "tcp://10.0.0.1:80")
    server = start("-c", "site/production.ini", "serve", "--upgrade", "--listen", "127.0.0.1:0")
    assert "The database is made" in server.line()
    assert server.line().startswith("microblog is at")
    status, errors = server.end(signal.SIGTERM)
    assert (status, errors.count("MICROBLOG_PORT (environment) is ignored")) == (0, 1)
    assert (tmp_path / "site" / "microblog.log").read_text().count("MICROBLOG_PORT (environment)") == 1


def test_a_certificate_that_is_missing_is_reported_by_its_name(microblog, monkeypatch, tmp_path):
    monkeypatch.setenv("MICROBLOG_SEARCH", "elasticsearch")
    monkeypatch.setenv("MICROBLOG_SEARCH_ELASTICSEARCH_CA_CERTIFICATE", f"{tmp_path}/ca.pem")
    output = microblog("doctor", status=1).stdout
    assert (
        f"microblog.search.elasticsearch.ca_certificate: {tmp_path}/ca.pem has no certificate (No" in output
    )
    (tmp_path / "ca.pem").write_text("nonsense")
    assert f"{tmp_path}/ca.pem has no certificate (" in microblog("doctor", status=1).stdout


def test_the_driver_of_postgresql_prints_no_line_before_the_sentence_of_a_command():
    code = (
        "import microblog.commands, logging\n"
        "logging.getLogger('psycopg').warning('error ignored in rollback')\n"
        "logging.getLogger('microblog').warning('a warning of ours')"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stderr == "a warning of ours\n"


def test_a_command_that_may_be_a_plug_ins_says_what_is_wrong_with_the_site(tmp_path):
    ini = tmp_path / "site.ini"
    ini.write_text("[app:main]\nuse = egg:microblog\nmicroblog.page_size = many\n")
    said = run("-c", ini, "guestbook", status=1).stderr
    assert "microblog.page_size" in said


def test_a_server_warns_of_a_check_that_finds_something_and_leaves_out_one_without_an_answer(ini):
    def check_ink(registry):
        return "is out of ink: buy some"

    def check_weather(registry):
        raise NotAsked

    site = Site(str(ini))
    site.registry.health_checks.clear()
    for check in (HealthCheck("printer", 0, check_ink), HealthCheck("weather", 1, check_weather)):
        site.registry.health_checks[check.name] = check
    assert list(site.find_problems()) == ["printer: is out of ink: buy some."]
    site.close()


def test_a_server_starts_whatever_its_checks_do(ini):
    never = threading.Event()

    def fail(registry):
        raise RuntimeError("no ink")

    def refuse(registry):
        raise OperatorError("There is no paper.")

    site = Site(str(ini))
    site.registry.health_checks.clear()
    for check in (
        HealthCheck("printer", 0, fail),
        HealthCheck("paper", 1, refuse),
        HealthCheck("radio", 2, lambda registry: str(never.wait()), seconds=0.05),
        HealthCheck("archive", 3, lambda registry: "was read as a whole", full=True),
    ):
        site.registry.health_checks[check.name] = check
    try:
        assert list(site.find_problems()) == [
            "printer: could not be checked (RuntimeError: no ink).",
            "There is no paper.",
            "radio: no answer within 0.05 seconds.",
        ]
    finally:
        never.set()
    site.close()


def test_doctor_has_nothing_to_say_of_a_check_that_only_names_something(ini):
    site = Site(str(ini))
    assert list(describe_check(site, HealthCheck("name", 0))) == []
    site.close()


def test_a_command_does_not_import_the_debug_toolbar(ini):
    text = ini.read_text().replace(
        "use = egg:microblog",
        "use = egg:microblog\nmicroblog.development = true\npyramid.includes = pyramid_debugtoolbar",
    )
    ini.write_text(text)
    code = (
        "import sys\nfrom microblog.console.site import Site\nSite(sys.argv[1]).registry\n"
        "print(sorted(name for name in sys.modules if name.startswith('pyramid_debug')))"
    )
    ended = subprocess.run([sys.executable, "-c", code, ini], capture_output=True, text=True, check=True)
    assert ended.stdout == "[]\n"
