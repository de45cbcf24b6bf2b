"""Redaction: nothing private leaves the process with the log or a mail.

No cookie, no form field, no secret of an address, and none of the values that PostgreSQL repeats in its
messages.
"""

from __future__ import annotations

import logging
import re
import traceback
from typing import Any
from urllib.parse import quote

LONGEST_ADDRESS = 500  # characters of a path with its query
# Values of these never get into the log: `token`, `api_key`, `new-password`.
SECRET_FIELD = re.compile(
    r"(?i)([?&][^=&\s]*(?:token|secret|pass|(?<!ssl)key|kept|signature)[^=&\s]*=)[^&\s]*"
)
# The same inside a value: /login?next=%2Fpage%3Ftoken%3D… is where a visitor is redirected to.
INNER = r"(?:(?!%3d|%26)[^=&])*"
INNER_SECRET_FIELD = re.compile(
    rf"(?i)((?:%3f|%26){INNER}(?:token|secret|passw|key|kept|signature){INNER}%3d)(?:(?!%26)[^&])*"
)
# A part of a path that is as random as the links in mails, also inside a value.
SECRET_SEGMENT = re.compile(r"(?i)(?:(?<=/)|(?<=%2f))[A-Za-z0-9_-][A-Za-z0-9_.-]{42,}(?=$|[/?&]|%2f|%3f|%26)")
# A password in which an @ is not escaped as %40 ends at the last one; libraries split it elsewhere.
PASSWORD = re.compile(r"(://[^/@:\s]*:)\S*(?=@)")
REST_OF_PASSWORD = re.compile(r"(://[^/@:\s]*:\*\*\*)[^?\s]*(?=%40)")
PATH_SAFE = "/~!$&'()*+,;=:@-._"
QUERY_SAFE = f"{PATH_SAFE}?%"
# What PostgreSQL says about the row or the value at fault, up to the next part of the message.
DETAIL = re.compile(
    r"^(?P<label>DETAIL|CONTEXT|HINT): .*?(?=^(?:\[SQL: |\[parameters: |\(Background on "
    r"|Traceback \(most|The above exception |During handling of )|\Z)",
    re.MULTILINE | re.DOTALL,
)
LONGEST_TRACE = 40_000  # characters
LONGEST_SEARCHED = 440_000  # a trace and two of the longest forms that `formdata` accepts; tested


def mask_address(environ: dict[str, Any]) -> str:
    """The path and query as they were sent, in ASCII; secrets are masked, and the length is limited."""
    # Cut before the search for secrets, which takes minutes in a long one. One more, to see that it was cut.
    longest = LONGEST_ADDRESS + 1
    raw = (environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""))[:longest]
    path = quote(raw, PATH_SAFE, "latin-1")[:longest]
    query = quote(environ.get("QUERY_STRING", "")[:longest], QUERY_SAFE, "latin-1")[:longest]
    address = SECRET_SEGMENT.sub("***", path)
    if query:
        fields = SECRET_FIELD.sub(r"\1***", f"{address}?{SECRET_SEGMENT.sub('***', query)}")
        address = INNER_SECRET_FIELD.sub(r"\1***", fields)
    return address if len(address) <= LONGEST_ADDRESS else f"{address[:LONGEST_ADDRESS]}..."


def hide_passwords(text: str) -> str:
    """The text without the passwords of its URLs, in front of a host or in a query."""
    return REST_OF_PASSWORD.sub(r"\1", PASSWORD.sub(r"\1***", SECRET_FIELD.sub(r"\1***", text)))


def remove_details(text: str) -> str:
    """The text of an error or a trace without what PostgreSQL repeats of a row's values."""
    return DETAIL.sub(r"\g<label>: (left out)\n", text) if DETAIL.search(text) else text


class RemoveDetails(logging.Filter):
    """A filter for handlers: writes the trace of a record without a row's values.

    A caller that has a shorter trace passes it as `extra={"trace": text}`.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        cleaned = getattr(record, "cleaned_trace", None)  # by the filter of another handler
        if cleaned is not None and record.exc_text is cleaned:
            return True
        if record.exc_text:
            record.exc_text = remove_details(record.exc_text)
        elif record.exc_info and record.exc_info[1] is not None:
            record.exc_text = getattr(record, "trace", None) or format_trace(record.exc_info[1])
        record.cleaned_trace = record.exc_text
        return True


def format_trace(error: BaseException, private: tuple[str, ...] = ()) -> str:
    """The trace, without a row's values and without the `private` texts."""
    trace = "".join(traceback.format_exception(error)).rstrip("\n")
    # Cut only beyond the length of forms here: a private text that was cut in half would not be found.
    trace = remove_details(cut_middle(trace, LONGEST_SEARCHED))
    folded = trace.casefold()
    # Texts are also stored stripped and in lower case, so all spellings are replaced.
    for text in sorted({text.strip() for text in private}, key=len, reverse=True):
        for written in {text, repr(text)[1:-1]}:
            if written.casefold() in folded:  # a fast test: the search without regard to case is slow
                trace = re.sub(re.escape(written), "…", trace, flags=re.IGNORECASE)
    return cut_middle(trace, LONGEST_TRACE)


def cut_middle(text: str, most: int) -> str:
    """Shorten a trace that is too long (of a recursion, or with a message that repeats a request)."""
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]}\n(… {len(text) - 2 * half:,} characters …)\n{text[-half:]}"
