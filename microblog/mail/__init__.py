"""Mail: how it leaves, to a server, a folder or the console."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.mail.settings import SETTINGS, check_together
    from microblog.mail.transports import choose_transport

    config.declare_settings(*SETTINGS)
    check_together(config.registry.microblog)
    config.registry.mail = choose_transport(config.registry.microblog)
