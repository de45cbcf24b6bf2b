"""What happens to the guestbook."""

from dataclasses import dataclass

from microblog.events import Change


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed(Change):
    """Somebody signed."""

    user_id: int
    text: str
