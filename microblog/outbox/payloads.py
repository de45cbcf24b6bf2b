"""Payloads as they are stored: JSON, or nothing."""

from __future__ import annotations

import json
from typing import Any

NOT_JSON = "Its payload is not JSON."


def as_json(payload: Any) -> str | None:
    return None if payload is None else json.dumps(payload, ensure_ascii=False)


def from_json(text: str | None) -> Any:
    """:raises ValueError: it is not JSON; nothing of ours writes such a payload."""
    return None if text is None else json.loads(text)
