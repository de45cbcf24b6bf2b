"""Another e-mail address: confirmed by a link mailed to it, and taken back by one mailed to the old."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.accounts.new_address.actions import BACK_FOR, CHANGE_FOR
    from microblog.accounts.new_address.resources import FormerAddresses, NewAddresses
    from microblog.accounts.settings import ADDRESS_CHANGES
    from microblog.i18n import _

    folder = "microblog.accounts:new_address/templates/mails"
    options: dict[str, Any] = {"is_switchable": False, "only_confirmed": False}

    def add_kind(name: str, label: str, **more: Any) -> None:
        config.add_mail_kind(name, folder=f"{folder}/{name}", label=label, **options, **more)

    add_kind("new_address", _("Confirming a new address"), lasts=CHANGE_FOR, is_secret=True)
    add_kind("address_taken", _("Somebody wants your address"), lasts=CHANGE_FOR)
    add_kind("address_changed", _("Your address was changed"), lasts=BACK_FOR, is_secret=True)
    config.add_branch("new-address", NewAddresses)
    config.add_branch("former-address", FormerAddresses)
    for name in ("new-address", "former-address"):
        config.keep_robots_from(name)
    config.add_limit(
        ADDRESS_CHANGES,
        what="Changes of an e-mail address",
        refusal=_("You have asked for many changes of your address in a short time."),
        per_account="5 per hour",
        site="1000 per hour",
    )
    config.add_account_page(
        "email",
        _("E-mail address"),
        _("Change it. The new one counts when you have opened the link that is mailed to it."),
        order=15,
    )
    config.add_account_page(
        "confirm-address",
        _("Confirm your address"),
        _("Whether it is confirmed, and the mail with the link once more."),
        order=16,
        shown=lambda request: bool(request.me.email),
    )
