"""The ini file, read once: what stops the start, and what it says."""

from __future__ import annotations

import pytest

from microblog import configure, main
from microblog.settings import (
    Setting,
    Settings,
    SettingsError,
    boolean,
    one_of,
    optional_text,
    suggest_name,
    text,
    whole_number,
)
from tests.conftest import TEST_SECRET

SIZE = Setting("microblog.size", whole_number(1, 10), 5, "How much.")
COLOUR = Setting("microblog.colour", one_of("red", "green"), "red", "Which.")
PASSWORD = Setting("microblog.password", whole_number(1, 2), 1, "Kept to yourself.", secret=True)


def settings(ini=None, environ=None):
    made = Settings(ini or {}, environ or {})
    made.declare(SIZE, COLOUR, PASSWORD)
    return made


def faults(ini=None, environ=None):
    with pytest.raises(SettingsError) as caught:
        settings(ini, environ).freeze()
    return str(caught.value).splitlines()


def test_a_key_that_is_not_given_has_its_default():
    made = settings()
    made.freeze()
    assert (made[SIZE], made.get_source(SIZE)) == (5, "default")
    assert set(made) == {SIZE, COLOUR, PASSWORD}
    assert len(made) == 3


def test_the_ini_file_comes_before_the_default_and_the_environment_before_both():
    ini = {"microblog.size": " 7 "}
    made = settings(ini)
    assert (made[SIZE], made.get_source(SIZE)) == (7, "ini")
    made = settings(ini, {"MICROBLOG_SIZE": "9"})
    assert (made[SIZE], made.get_source(SIZE)) == (9, "environment")


def test_every_fault_of_the_settings_is_reported_at_once():
    assert faults({"microblog.size": "many", "microblog.colour": "blue"}) == [
        "microblog.size must be a whole number from 1 to 10; 'many' (ini) is not.",
        "microblog.colour must be one of red, green; 'blue' (ini) is not.",
    ]


def test_a_wrong_secret_is_not_shown():
    assert faults(environ={"MICROBLOG_PASSWORD": "hunter2"}) == [
        "microblog.password must be a whole number from 1 to 2; its value (environment) is not."
    ]


def test_an_unknown_key_is_a_fault_and_the_nearest_one_is_offered():
    assert faults(
        {"microblog.sizes": "1", "microblog.something_else_entirely": "1", "pyramid.reload": "1"}
    ) == [
        "microblog.sizes is not a setting. Did you mean microblog.size?",
        "microblog.something_else_entirely is not a setting.",
    ]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("microblog.pagesize", "microblog.page_size"),
        ("microblog.slow_query.treshold", "microblog.slow_queries.threshold"),
        ("microblog.smtp.host", "microblog.mail.smtp.host"),
        ("microblog.serach", "microblog.search"),
        ("microblog.database", "microblog.database.url"),
        ("microblog.colour", None),
        ("microblog.postgres", None),
        ("MICROBLOG_SECRETS", "MICROBLOG_SECRET"),
        ("MICROBLOG_XYZ", None),
    ],
)
def test_only_what_is_near_is_offered(typed, meant):
    in_force = list(start().registry.microblog)
    known = {setting.variable if typed.isupper() else setting.key: setting for setting in in_force}
    assert suggest_name(typed, known) == ("" if meant is None else f" Did you mean {meant}?")


def test_an_unknown_variable_warns_unless_it_belongs_to_the_tests_or_the_command():
    made = settings(
        environ={
            "MICROBLOG_SISE": "1",
            "MICROBLOG_TEST_DATABASE_URL": "x",
            "MICROBLOG_CONFIG": "x.ini",
            "PATH": "/bin",
        }
    )
    made.freeze()
    assert made.warnings == (
        "MICROBLOG_SISE (environment) is ignored: it is not a setting. Did you mean MICROBLOG_SIZE?",
    )


def test_a_wrong_value_of_what_is_not_in_use_warns_and_the_default_holds():
    made = Settings({"microblog.size": "many", "microblog.colour": "green"}, {"MICROBLOG_PASSWORD": "x"})
    made.declare(SIZE, COLOUR, PASSWORD, in_use=False)
    made.freeze()
    assert made.warnings == (
        "microblog.size must be a whole number from 1 to 10; 'many' (ini) is not.",
        "microblog.password must be a whole number from 1 to 2; its value (environment) is not.",
    )
    assert (made[SIZE], made[COLOUR], made.is_in_use(SIZE)) == (5, "green", False)


def test_what_is_in_use_after_all_stops_the_start():
    made = Settings({"microblog.size": "many"}, {})
    made.declare(SIZE, in_use=False)
    made.declare(SIZE)
    assert made.is_in_use(SIZE)
    with pytest.raises(SettingsError, match="must be a whole number"):
        made.freeze()


def variables_of_service(name):
    """What Kubernetes sets in every container for a Service of this name, with two ports."""
    return {
        f"{name}_SERVICE_HOST": "10.96.0.17",
        f"{name}_SERVICE_PORT": "80",
        f"{name}_SERVICE_PORT_HTTP": "80",
        f"{name}_SERVICE_PORT_METRICS": "9090",
        f"{name}_PORT": "tcp://10.96.0.17:80",
        f"{name}_PORT_80_TCP": "tcp://10.96.0.17:80",
        f"{name}_PORT_80_TCP_PROTO": "tcp",
        f"{name}_PORT_80_TCP_PORT": "80",
        f"{name}_PORT_80_TCP_ADDR": "10.96.0.17",
        f"{name}_PORT_9090_UDP": "udp://[fd00::17]:9090",
    }


def names_of_services():
    """Such as MICROBLOG, MICROBLOG_MAIL, MICROBLOG_MAIL_SMTP: every beginning of a variable of ours."""
    names = {"MICROBLOG_WEB"}
    for setting in start().registry.microblog:
        words = setting.variable.split("_")
        names |= {"_".join(words[:count]) for count in range(1, len(words) + 1)}
    return sorted(names)


@pytest.mark.parametrize("mail", ["folder", "smtp"])
def test_a_service_of_kubernetes_with_any_name_changes_no_setting(monkeypatch, mail):
    ini = {"microblog.mail": mail, "microblog.mail.sender": "microblog@example.org"}
    usual = {setting.key: value for setting, value in start(**ini).registry.microblog.items()}
    names = names_of_services()
    assert {"MICROBLOG", "MICROBLOG_MAIL_SMTP", "MICROBLOG_DATABASE"} <= set(names)
    for name in names:
        for variable, value in variables_of_service(name).items():
            monkeypatch.setenv(variable, value)
    settings = start(**ini).registry.microblog
    assert {setting.key: value for setting, value in settings.items()} == usual
    assert all(" is ignored: " in warning for warning in settings.warnings)
    assert any(warning.startswith("MICROBLOG_PORT (environment)") for warning in settings.warnings)


ELASTICSEARCH = {
    "microblog.search.elasticsearch.url": "https://search.example:9200",
    "microblog.search.elasticsearch.replicas": "many",
    "microblog.search.elasticsearch.ca_certificate": "/nowhere/ca.pem",
}
SMTP = {"microblog.mail.smtp.port": "smtp", "microblog.mail.smtp.password": "without a user"}


@pytest.mark.parametrize("unused", [ELASTICSEARCH, SMTP], ids=["elasticsearch", "smtp"])
@pytest.mark.parametrize("search", ["fts5", "none", "tests.functional.commands.broken.DownSearch"])
def test_settings_of_an_adapter_that_is_not_in_use_may_stay(monkeypatch, unused, search):
    settings = start(**{"microblog.search": search}, **unused).registry.microblog
    assert len(settings.warnings) == 1  # the one that is no number
    for key, value in unused.items():
        monkeypatch.setenv(key.upper().replace(".", "_"), value)
    settings = start(**{"microblog.search": search}).registry.microblog
    assert len(settings.warnings) == 1


def test_an_unknown_key_of_an_adapter_that_is_not_in_use_stops_the_start():
    assert stopped_by(**{"microblog.search.elasticsearch.ulr": "x"}) == (
        "microblog.search.elasticsearch.ulr is not a setting. "
        "Did you mean microblog.search.elasticsearch.url?"
    )


def test_an_unknown_variable_is_reported_in_the_log(monkeypatch, caplog):
    monkeypatch.setenv("MICROBLOG_PAGE_SISE", "7")
    main({}, **{"microblog.secret": TEST_SECRET, "microblog.worker": "off"})
    assert caplog.messages == [
        "MICROBLOG_PAGE_SISE (environment) is ignored: it is not a setting. Did you mean MICROBLOG_PAGE_SIZE?"
    ]


def test_nothing_is_declared_once_they_are_frozen():
    made = settings()
    made.freeze()
    with pytest.raises(RuntimeError):
        made.declare(SIZE)


@pytest.mark.parametrize("value", ["true", "Yes", "ON", "1"])
def test_true_has_several_spellings(value):
    assert boolean(value) is True


@pytest.mark.parametrize("value", ["false", "No", "OFF", "0"])
def test_false_has_several_spellings(value):
    assert boolean(value) is False


@pytest.mark.parametrize("value", ["", "perhaps", "2", "ja"])
def test_only_known_words_are_booleans(value):
    with pytest.raises(ValueError, match="must be true or false"):
        boolean(value)


@pytest.mark.parametrize("value", ["", "0", "11", "1.5", "one", "-1"])
def test_a_whole_number_has_bounds(value):
    with pytest.raises(ValueError, match="from 1 to 10"):
        SIZE.parse(value)


def test_an_empty_text_may_mean_none():
    assert (text(""), optional_text(""), optional_text("x")) == ("", None, "x")


# The application's own


def start(**values):
    return configure({"microblog.secret": TEST_SECRET, "microblog.worker": "off"} | values)


def stopped_by(**values):
    with pytest.raises(SettingsError) as caught:
        start(**values)
    return str(caught.value)


def test_without_a_secret_it_does_not_start():
    with pytest.raises(SettingsError, match=r"microblog\.secret is missing: set it, or MICROBLOG_SECRET"):
        configure({"microblog.worker": "off"})


def test_a_short_secret_stops_the_start_and_is_not_shown():
    message = stopped_by(**{"microblog.secret": "hunter2"})
    assert "microblog.secret must have 32 characters or more; its value (ini) is not." in message
    assert "hunter2" not in message


def test_the_secret_of_development_is_for_development():
    secret = "not-a-secret" * 4
    assert "everybody knows" in stopped_by(**{"microblog.secret": secret})
    start(**{"microblog.secret": secret, "microblog.development": "true"})


def test_the_debug_toolbar_is_for_development():
    assert "can run code" in stopped_by(**{"pyramid.includes": "pyramid_debugtoolbar"})
    start(**{"pyramid.includes": "pyramid_debugtoolbar", "microblog.development": "true"})


@pytest.mark.parametrize("url", ["nonsense", "mysql://localhost/x", "sqlite+nothing:///x"])
def test_a_database_that_cannot_be_stops_the_start_and_is_not_shown(url):
    message = stopped_by(**{"microblog.database.url": url})
    assert "microblog.database.url must be sqlite+pysqlite:///PATH" in message
    assert url not in message


def test_faults_of_several_rooms_are_reported_at_once():
    message = stopped_by(**{"microblog.page_size": "0", "microblog.avatars": "none", "microblog.typo": "x"})
    assert len(message.splitlines()) == 3
