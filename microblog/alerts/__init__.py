"""Mails to the admins about what goes wrong."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.alerts.settings import ALERTS_STATE, SETTINGS

    config.declare_settings(*SETTINGS)
    config.include("microblog.alerts.reporting")
    config.include("microblog.alerts.outages")
    state = config.registry.microblog[ALERTS_STATE]
    config.add_folder("alerts", state and state.parent)
