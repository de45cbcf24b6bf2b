"""Settings of the API."""

from __future__ import annotations

from microblog.settings import Setting, text

DOCUMENTATION = Setting(
    "microblog.api.documentation",
    text,
    "docs/api.md",
    "The address of the documents, which /api/ shows to programmers; without it, their path in the source.",
)
