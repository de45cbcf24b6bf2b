"""Settings of this package."""

from microblog.settings import Setting, boolean, optional_path, whole_number

OPEN = Setting("microblog.guestbook.open", boolean, True, "May people sign the guestbook?")
DAYS = Setting(
    "microblog.guestbook.days", whole_number(1, 10_000), 365, "Days after which a signature is deleted."
)
FILE = Setting("microblog.guestbook.file", optional_path, None, "The file to which signatures are added.")

SETTINGS = (OPEN, DAYS, FILE)
