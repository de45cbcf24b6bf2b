"""Settings of this package."""

from __future__ import annotations

from microblog.settings import Setting, optional_text

CONTACT = Setting(
    "microblog.contact",
    optional_text,
    None,
    "How people reach the operator, as error pages say: an address, or any text.",
)

SETTINGS = (CONTACT,)
