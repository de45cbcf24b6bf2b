"""Mail: written to people with its cause, and sent to a server, a folder or the console."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.i18n import _
    from microblog.mail.actions import note_dropped
    from microblog.mail.building import MailBuilder
    from microblog.mail.directives import add_mail_kind
    from microblog.mail.kinds import MailKinds
    from microblog.mail.outbox import deliver, get_lease_seconds
    from microblog.mail.queries import KIND
    from microblog.mail.resources import MailsPage, Unsubscriptions
    from microblog.mail.settings import FOR_ALL_MAIL, FOR_SMTP, MAIL, SMTP_TIMEOUT, check_together
    from microblog.mail.tasks import SECONDS_BETWEEN_CLEANINGS, delete_old_mails
    from microblog.mail.transports import choose_transport, set_mail_transport
    from microblog.mail.transports.smtp import TIMEOUTS_IN_ALL

    settings = config.registry.microblog
    config.declare_settings(*FOR_ALL_MAIL)
    config.declare_settings(*FOR_SMTP, in_use=settings[MAIL] == "smtp")
    check_together(settings)
    config.include("microblog.mail.checks")
    config.add_directive("set_mail_transport", set_mail_transport)
    choose_transport(config)
    config.registry.mail_kinds = MailKinds()
    config.registry.mail_builder = MailBuilder(config.registry)
    config.add_directive("add_mail_kind", add_mail_kind)
    config.add_models("microblog.mail.models")
    config.add_outbox_kind(
        KIND,
        deliver,
        lease_seconds=get_lease_seconds(settings[SMTP_TIMEOUT], TIMEOUTS_IN_ALL),
        on_dropped=note_dropped,
        is_mailed=False,
    )
    config.add_branch("unsubscribe", Unsubscriptions)
    config.keep_robots_from("unsubscribe", "")
    config.add_admin_page("mail", _("Mails"), MailsPage)
    config.add_worker_task("old mails", delete_old_mails, every=SECONDS_BETWEEN_CLEANINGS)
    config.add_command("mail", "microblog.mail.commands.mail", order=90)
