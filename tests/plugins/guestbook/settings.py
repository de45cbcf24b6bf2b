"""What an operator may choose about the guestbook."""

from microblog.settings import Setting, boolean, whole_number

OPEN = Setting("microblog.guestbook.open", boolean, True, "May people sign the guestbook?")
DAYS = Setting(
    "microblog.guestbook.days", whole_number(1, 10_000), 365, "Days after which a signature is deleted."
)

SETTINGS = (OPEN, DAYS)
