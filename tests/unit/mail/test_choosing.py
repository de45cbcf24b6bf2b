"""`microblog.mail` names a transport, built in or one's own."""

from __future__ import annotations

import pytest

from microblog.mail.interfaces import MailError, get_transport
from microblog.mail.messages import make_message
from microblog.mail.transports.console import ConsoleTransport
from microblog.settings import SettingsError
from tests.contract.keeping import Keeping

OWN = f"{Keeping.__module__}.{Keeping.__name__}"


class NoTransportAtAll:
    def __init__(self, settings):
        pass


@pytest.mark.parametrize("name", ["console", "folder"])
def test_a_transport_is_chosen_by_its_name(make_application, name):
    assert get_transport(make_application({"microblog.mail": name}).registry).name == name


def test_a_folder_is_what_there_is_without_a_choice(make_application):
    assert get_transport(make_application().registry).name == "folder"


def test_one_of_ones_own_is_chosen_by_its_dotted_name_and_has_settings(make_application):
    settings = {"microblog.mail": OWN, "microblog.mail.keeping.most": "1"}
    registry = make_application(settings).registry
    transport = get_transport(registry)
    message = make_message(registry.microblog, "susan@example.com", "Hello", "Text")
    assert transport.check() == "There is room for 1 mails."
    assert transport.send(message) == "The mail is kept."
    with pytest.raises(MailError, match="no more room"):
        transport.send(message)


def test_a_plugin_replaces_the_one_that_was_chosen(make_application):
    application = make_application(
        extend=lambda config: config.set_mail_transport(ConsoleTransport(config.registry.microblog))
    )
    assert get_transport(application.registry).name == "console"


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"microblog.mail": "pigeon"}, "microblog.mail must be one of folder, smtp, console, or a dotted"),
        ({"microblog.mail": "no.such.module"}, "cannot be imported"),
        ({"microblog.mail": f"{__name__}.NoTransportAtAll"}, "does not provide IMailTransport"),
        ({"microblog.mail": OWN, "microblog.mail.keeping.most": "0"}, "microblog.mail.keeping.most must be"),
        ({"microblog.mail": OWN, "microblog.mail.keeping.least": "1"}, "microblog.mail.keeping.least"),
    ],
)
def test_a_site_does_not_start_with_a_transport_that_cannot_work(make_application, settings, fault):
    with pytest.raises(SettingsError, match=fault):
        make_application(settings)
