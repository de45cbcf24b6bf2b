"""What the guestbook does when something happens in another room."""

from microblog.accounts.events import AccountCreated
from tests.plugins.guestbook import actions


def greet(event: AccountCreated) -> None:
    """Add a new person to the guestbook, in the transaction that creates their account."""
    if not event.imported:
        actions.sign(event.session, event.user_id, f"{event.nickname} is new here.")
