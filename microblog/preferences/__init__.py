"""How somebody wants to see the pages: `/preferences`, for people and for visitors."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.i18n import _
    from microblog.preferences import fields, reading

    config.registry.preferences = {}
    config.registry.languages_to_read = set(fields.LANGUAGES_TO_READ)
    config.add_directive("add_preference", fields.add_preference)
    config.add_directive("add_languages_to_read", fields.add_languages_to_read)
    config.add_request_method(reading.get_time_zone, "time_zone", reify=True)
    config.add_request_method(reading.get_read_languages, "read_languages", reify=True)
    config.add_template_global("guessed_zone", reading.get_guessed_zone)
    config.reserve_nicknames("preferences")
    config.keep_robots_from("preferences")
    config.add_nav_item(
        "preferences",
        _("Preferences"),
        lambda request: request.link("preferences"),
        slot="footer",
        order=10,
    )
    config.add_account_page(
        "preferences",
        _("Preferences"),
        _("Language, colours, time zone, and the languages that you read."),
        link=lambda request: request.link("preferences"),
        order=40,
    )
    for preference in fields.PREFERENCES:
        config.add_preference(preference)
