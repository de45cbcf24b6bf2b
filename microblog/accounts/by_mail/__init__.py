"""What is done by a link in a mail: signing up, confirming an address, getting back in without a password."""

from datetime import timedelta
from typing import Any


def includeme(config: Any) -> None:
    from microblog.accounts.by_mail import outbox, tasks
    from microblog.accounts.by_mail.actions import CONFIRM_FOR, RESET_FOR, SIGN_UP_FOR
    from microblog.accounts.by_mail.resources import Confirmations, ResetPassword
    from microblog.accounts.settings import CONFIRMATIONS, RESET
    from microblog.i18n import _

    # By microblog.registration: what comes of the link of a sign-up, where that is no person at once.
    config.registry.sign_up_endings = {}
    folder = "microblog.accounts:by_mail/templates/mails"
    options: dict[str, Any] = {"is_switchable": False, "only_confirmed": False}

    def add_kind(name: str, label: str, lasts: timedelta, *, is_secret: bool = True) -> None:
        config.add_mail_kind(
            name, folder=f"{folder}/{name}", label=label, lasts=lasts, is_secret=is_secret, **options
        )

    add_kind("sign_up", _("Signing up"), SIGN_UP_FOR)
    add_kind("taken", _("Signing up again"), SIGN_UP_FOR, is_secret=False)
    add_kind("confirm", _("Confirming an address"), CONFIRM_FOR)
    add_kind("reset", _("A new password"), RESET_FOR)
    config.add_branch("confirm", Confirmations)
    config.add_branch("reset-password", ResetPassword)
    config.reserve_nicknames("check-mail")
    for name in ("confirm", "reset-password", "check-mail"):
        config.keep_robots_from(name)
    config.add_outbox_kind(outbox.KIND, outbox.deliver, batch=20)
    config.add_worker_task("expired links", tasks.delete_expired_links, every=tasks.SECONDS_BETWEEN_CLEANINGS)
    config.add_limit(
        RESET,
        what="Mails with a link for a new password",
        refusal=_("Very many mails were asked for in a short time."),
        per_account="5 per hour",
        per_address="20 per hour",
        site="1000 per hour",
    )
    config.add_limit(
        CONFIRMATIONS,
        what="Mails with a link that confirms an address",
        refusal=_("Very many mails were asked for in a short time."),
        per_account="5 per hour",
    )
