"""Who may sign up: everybody, whom an admin approves, or who has an invitation (`microblog.registration`)."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.accounts.registrations.by_mail import finish_sign_up_and_wait
    from microblog.accounts.registrations.resources import InvitationsPage, RegistrationsPage
    from microblog.accounts.settings import APPROVAL
    from microblog.i18n import _

    config.registry.sign_up_endings[APPROVAL] = finish_sign_up_and_wait
    folder = "microblog.accounts:registrations/templates/mails"
    config.add_mail_kind(
        "registration", folder=f"{folder}/registration", label=_("Somebody wants to join"), for_admins=True
    )
    for name, label in (("approved", _("Your account is approved")), ("refused", _("No account for you"))):
        config.add_mail_kind(
            name, folder=f"{folder}/{name}", label=label, is_switchable=False, only_confirmed=False
        )
    config.add_admin_page("registrations", _("People who wait"), RegistrationsPage)
    config.add_admin_page("invitations", _("Invitations"), InvitationsPage)
