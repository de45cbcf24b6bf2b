"""Payloads as they are stored: JSON, or nothing."""

from __future__ import annotations

import json
from typing import Any

NOT_JSON = "Its payload is not JSON."


def encode(payload: Any) -> str | None:
    return None if payload is None else json.dumps(payload, ensure_ascii=False)


def decode(text: str | None) -> Any:
    """:raises ValueError: when it is not JSON, which microblog itself never writes."""
    return None if text is None else json.loads(text)
