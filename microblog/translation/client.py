"""JSON over HTTP to a translation service, within limits (docs/adr/0040).

Connections are kept, certificates verified, redirects not followed: they could lead the key, and the text,
elsewhere. What is read is limited in size and in time.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from microblog.outbox.delivery import parse_retry_after
from microblog.translation.interfaces import (
    BrokenAnswer,
    TextRefused,
    TranslationFailed,
    TranslatorBusy,
    TranslatorRefused,
    TranslatorSlow,
    TranslatorUnavailable,
)

MOST_BYTES = 1_000_000
MOST_CONNECTIONS = 8
CHUNK_BYTES = 65_536
REASON_CHARACTERS = 200
USER_AGENT = "microblog"


@dataclass(frozen=True, slots=True)
class Answer:
    """One without a translation. `data` is its JSON; None when it is none."""

    status: int
    data: Any
    retry_after: float | None


class JsonClient:
    """Requests to the paths below `url`; several threads may make some at the same time.

    Each may take `seconds`, and its answer may have `most_bytes`. `read_problem` says what an answer stands
    for whose status is not 200; usually the status alone does.
    """

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        seconds: float,
        read_problem: Callable[[Answer], TranslationFailed] | None = None,
        *,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        import urllib3  # takes a tenth of a second, and is not needed where nothing is translated

        self._url = url
        self._headers = {**headers, "User-Agent": USER_AGENT, "Accept": "application/json"}
        self._seconds = seconds
        self._read_problem = read_problem or read_failure
        self._most_bytes = most_bytes
        self._timed_out: type[Exception] = urllib3.exceptions.TimeoutError
        self._failures = (urllib3.exceptions.HTTPError, HTTPException, OSError)
        self._pool = urllib3.PoolManager(
            num_pools=1,
            maxsize=MOST_CONNECTIONS,
            retries=False,
            cert_reqs="CERT_REQUIRED",
            timeout=urllib3.Timeout(connect=seconds, read=seconds),
        )

    def get(self, path: str) -> Any:
        """The JSON of the answer, None when it is none.

        :raises TranslationFailed: when there is no answer that can be read, or its status is not 200.
        """
        return self._ask("GET", path, None, {})

    def post(self, path: str, body: Any) -> Any:
        """Send this as JSON; otherwise as `get`."""
        return self._ask("POST", path, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def _ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Any:
        latest = time.monotonic() + self._seconds
        try:
            response = self._pool.request(
                method,
                self._url + path,
                body=body,
                headers={**self._headers, **headers},
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
            try:
                content = self._read(response, latest)
            except BaseException:
                response.close()  # the rest would be taken for the next answer
                raise
            response.release_conn()
        except self._timed_out as error:
            raise TranslatorSlow(f"No answer within {self._seconds:g} seconds.") from error
        except self._failures as error:
            raise TranslatorUnavailable(describe_failure(error)) from error
        refuse_redirect(response)
        data = parse_json(response, content)
        if response.status != 200:
            retry_after = parse_retry_after(response.headers.get("Retry-After"))
            raise self._read_problem(Answer(response.status, data, retry_after))
        return data

    def _read(self, response: Any, latest: float) -> bytes:
        """:raises TranslationFailed: when it is too large, or comes too slowly."""
        parts: list[bytes] = []
        size = 0
        while part := response.read1(CHUNK_BYTES):
            parts.append(part)
            size += len(part)
            if size > self._most_bytes:
                raise BrokenAnswer(f"The answer has more than {self._most_bytes:,} bytes.")
            if time.monotonic() > latest:
                raise TranslatorSlow(f"The answer was not complete within {self._seconds:g} seconds.")
        return b"".join(parts)


def parse_json(response: Any, content: bytes) -> Any:
    media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" or response.headers.get("Content-Encoding", "identity") != "identity":
        return None
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def refuse_redirect(response: Any) -> None:
    """:raises TranslatorUnavailable: when the answer leads elsewhere."""
    if 300 <= response.status < 400:
        host = urlsplit(response.headers.get("Location", "")).netloc or "itself"
        raise TranslatorUnavailable(f"It redirects to {host[:REASON_CHARACTERS]}, which is not followed.")


def describe_failure(error: Exception) -> str:
    """In one line, without the address, which an error of the library may repeat with its query."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:REASON_CHARACTERS]}"


def read_failure(answer: Answer, message: object = None) -> TranslationFailed:
    """What an answer without a translation stands for, by what its status means everywhere.

    `message` is the sentence of the service; it is for the log.
    """
    said = f" ({' '.join(message.split())[:REASON_CHARACTERS]})" if isinstance(message, str) else ""
    reason = f"The service answered {answer.status}{said}."
    kind: type[TranslationFailed] = BrokenAnswer
    if answer.status in (400, 413, 414, 422):
        kind = TextRefused
    elif answer.status in (401, 403, 404):
        kind = TranslatorRefused
    elif answer.status in (429, 529):
        kind = TranslatorBusy
    elif answer.status >= 500 or answer.status == 408:
        kind = TranslatorUnavailable
    return kind(reason, retry_after=answer.retry_after)


def find(data: Any, *path: str | int) -> Any:
    """The value at this path of a JSON document, such as `("error", "code")`; None when there is none."""
    for step in path:
        if isinstance(step, str):
            data = data.get(step) if isinstance(data, dict) else None
        else:
            data = data[step] if isinstance(data, list) and len(data) > step else None
    return data
