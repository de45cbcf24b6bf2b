"""Links in mails: below the configured address of the site, never below the host that a request names."""

from __future__ import annotations

import base64
import hmac
from urllib.parse import urlencode

from microblog.security.settings import PUBLIC_URL, SECRET
from microblog.settings import Settings
from microblog.tree import join_segments

# Where a development site is; `microblog doctor` says that it must be set elsewhere.
DEFAULT_URL = "http://localhost:6543"
LONGEST_TOKEN = 200  # characters


def make_url(settings: Settings, *segments: object, **query: object) -> str:
    """The address of a page: `make_url(settings, "users", "susan")`."""
    site = (settings[PUBLIC_URL] or DEFAULT_URL).rstrip("/")
    pairs = {name: value for name, value in query.items() if value is not None}
    path = join_segments([str(segment) for segment in segments])
    return f"{site}/{path}?{urlencode(pairs)}" if pairs else f"{site}/{path}"


def make_unsubscribe_token(settings: Settings, user_id: int, kind: str) -> str:
    """Lets whoever has it switch off this kind of mails for this person, and nothing else. It never ends."""
    return f"{user_id}.{kind}.{sign(settings, user_id, kind)}"


def make_unsubscribe_url(settings: Settings, user_id: int, kind: str) -> str:
    return make_url(settings, "unsubscribe", make_unsubscribe_token(settings, user_id, kind))


def read_unsubscribe_token(settings: Settings, token: str) -> tuple[int, str] | None:
    """The id of the person, and the name of the kind; None when the token is not one of ours."""
    user_id, _, rest = token.partition(".")
    kind, _, signature = rest.partition(".")
    is_number = user_id.isascii() and user_id.isdigit() and len(user_id) < 19
    if len(token) > LONGEST_TOKEN or not is_number or not token.isascii():
        return None
    if not hmac.compare_digest(signature, sign(settings, user_id, kind)):
        return None
    return int(user_id), kind


def sign(settings: Settings, user_id: object, kind: str) -> str:
    text = f"unsubscribe:{user_id}:{kind}"
    digest = hmac.digest(settings[SECRET].encode(), text.encode(), "sha256")
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
