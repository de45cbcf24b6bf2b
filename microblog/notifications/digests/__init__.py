"""One mail a day or a week of what somebody has not read, instead of one for each notification."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.i18n import _
    from microblog.notifications.digests.rules import DIGEST
    from microblog.notifications.digests.tasks import SECONDS_BETWEEN_LOOKS, send_due

    folder = "microblog.notifications:digests/templates/mails/digest"
    config.add_mail_kind(DIGEST, folder=folder, label=_("What you have not read"))
    config.add_worker_task("digests", send_due, every=SECONDS_BETWEEN_LOOKS)
