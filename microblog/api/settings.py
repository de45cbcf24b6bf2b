"""Settings of the API."""

from __future__ import annotations

from microblog.settings import Setting, text

DOCUMENTATION = Setting(
    "microblog.api.documentation",
    text,
    "docs/api.md",
    "The address of the documents, as /api/ gives it to programmers; without it, their place in the source.",
)
