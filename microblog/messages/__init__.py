"""Private messages between two people: `/messages/`, `/messages/{nickname}`, `/account/messages`."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.i18n import _
    from microblog.messages import queries, subscribers
    from microblog.messages.actions import KIND
    from microblog.messages.checks import describe_threads
    from microblog.messages.events import MessageWritten
    from microblog.messages.resources import Messages
    from microblog.messages.settings import MAX_LENGTH
    from microblog.messages.unread import COUNT, describe_unread
    from microblog.web.navigation import is_logged_in

    config.declare_settings(MAX_LENGTH)
    config.add_models("microblog.messages.models")
    config.add_branch("messages", Messages)
    config.reserve_nicknames("message")
    config.keep_robots_from("messages")
    config.add_header_count(COUNT, queries.COUNT)
    config.add_template_global("describe_unread", lambda request: describe_unread)
    config.add_nav_item(
        "messages", template="microblog.messages:templates/nav_messages.jinja2", shown=is_logged_in, order=35
    )
    config.add_person_action(
        "message", template="microblog.messages:templates/person_action.jinja2", order=20
    )
    config.add_account_page("messages", _("Private messages"), _("Choose who may write to you."), order=50)
    config.add_recovered_fields(message=_("Your message"))
    config.add_limit(
        "messages",
        what="Private messages",
        refusal=_("You have written very many messages in a short time. This one was not sent yet."),
        per_account="60 per 10 minutes",
    )
    # To whom somebody has not written before: what is sent to everybody is advertising.
    config.add_limit(
        "threads",
        what="First messages to a person",
        refusal=_("You have written to very many new people in a short time. This message was not sent yet."),
        per_account="30 per hour",
    )
    # Unread threads have a sign of their own in the header.
    config.add_notification_kind(
        KIND,
        label=_("Somebody writes to you"),
        template="microblog.messages:templates/notification.jinja2",
        link=subscribers.link_to_thread,
        mail="microblog.messages:templates/mails/message",
        counted=False,
        count_unread=queries.count_unread_from,
        order=15,
    )
    config.add_subscriber(subscribers.tell_written, MessageWritten)
    config.add_health_check("messages", details=describe_threads, full=True, order=13)
