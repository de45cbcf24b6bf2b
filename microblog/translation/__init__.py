"""Posts in the language of their reader, translated by a service: `/posts/{id}/translate`."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.i18n import _
    from microblog.translation.adapters import choose_translator, set_translator
    from microblog.translation.offering import draw_translate_link, get_service, offers_translation
    from microblog.translation.settings import AT_ONCE, TRANSLATOR

    config.declare_settings(TRANSLATOR, AT_ONCE)
    config.add_directive("set_translator", set_translator)
    choose_translator(config)
    config.add_limit(
        "translations",
        what="Translations",
        refusal=_("You have had very many posts translated in a short time."),
        per_account="60 per hour",
        site="600 per hour",
    )
    config.add_post_action(
        "translate",
        draw=draw_translate_link,
        order=50,
        shown=offers_translation,
    )
    config.add_template_global("translation_service", get_service)
    config.add_models("microblog.translation.models")
    config.include("microblog.translation.checks")
