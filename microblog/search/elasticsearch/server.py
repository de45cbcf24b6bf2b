"""The Elasticsearch servers: their settings, the client, and what is logged when they fail."""

from __future__ import annotations

import logging
import ssl
import threading
from typing import Any

from microblog.outbox.delivery import parse_retry_after
from microblog.search.interfaces import SearchUnavailable
from microblog.settings import Setting, optional_text, text, whole_number

log = logging.getLogger(__name__)

URL = Setting(
    "microblog.search.elasticsearch.url",
    text,
    "http://127.0.0.1:9200",
    "The servers, separated by spaces; each like https://HOST:PORT.",
)
INDEX = Setting(
    "microblog.search.elasticsearch.index",
    text,
    "microblog",
    "The name of the index; several sites may share a server under several names.",
)
REPLICAS = Setting(
    "microblog.search.elasticsearch.replicas",
    whole_number(0, 100),
    0,
    "Copies of the index on other servers of the cluster; `microblog search rebuild` makes them.",
)
API_KEY = Setting(
    "microblog.search.elasticsearch.api_key", optional_text, None, "An API key of the server.", secret=True
)
USER = Setting(
    "microblog.search.elasticsearch.user", optional_text, None, "The user, for basic authentication."
)
PASSWORD = Setting(
    "microblog.search.elasticsearch.password", optional_text, None, "The user's password.", secret=True
)
CA_CERTIFICATE = Setting(
    "microblog.search.elasticsearch.ca_certificate",
    optional_text,
    None,
    "A file with the certificate of the authority that signed the server's.",
)
SETTINGS = (URL, INDEX, REPLICAS, API_KEY, USER, PASSWORD, CA_CERTIFICATE)

OLDEST_CLIENT, NEWEST_CLIENT = (8, 19), (9, 0)
SUPPORTED_SERVERS = 8  # the major version
NOT_ALLOWED = 403
# What servers of other versions answer to the media type of our client.
UNKNOWN_MEDIA_TYPE = frozenset({400, 406})
ERROR_CHARACTERS = 200


class UnsupportedServer(SearchUnavailable):
    """The server's version is not supported."""


class Server:
    """The client, configured by the settings.

    :raises ValueError: with a sentence, when there is no client or it refuses the settings.
    """

    def __init__(self, settings: Any) -> None:
        try:
            import elasticsearch
        except ImportError:
            raise ValueError("needs its client: pip install 'microblog[elasticsearch]'.") from None
        require_supported_client(elasticsearch.VERSION)
        self.not_found: type[Exception] = elasticsearch.NotFoundError
        self.bad_request: type[Exception] = elasticsearch.BadRequestError
        self.failures: tuple[type[Exception], ...] = (
            elasticsearch.ApiError,
            elasticsearch.TransportError,
            elasticsearch.UnsupportedProductError,
            SearchUnavailable,
        )
        self._api_error = elasticsearch.ApiError
        self._is_supported = False
        options: dict[str, Any] = {}
        if settings[API_KEY]:
            options["api_key"] = settings[API_KEY]
        elif settings[USER]:
            options["basic_auth"] = (settings[USER], settings[PASSWORD] or "")
        try:
            if settings[CA_CERTIFICATE]:
                require_certificate(settings[CA_CERTIFICATE])  # the client looks later
                options["ca_certs"] = settings[CA_CERTIFICATE]
            # One attempt: pages do not wait, and the worker comes back by itself.
            self._client = elasticsearch.Elasticsearch(settings[URL].split(), max_retries=0, **options)
        except (ValueError, OSError) as error:
            raise ValueError(f"cannot be reached with these settings: {error}") from None

    def client(self, seconds: float) -> Any:
        """A client with this timeout; the first call also checks the server's version.

        :raises UnsupportedServer: when the version is not supported; and what the client raises.
        """
        client = self._client.options(request_timeout=seconds)
        if not self._is_supported:
            self._require_supported(client)
            self._is_supported = True
        return client

    def forget_version(self) -> None:
        """Check the version again: after a failure it may be another server."""
        self._is_supported = False

    def _require_supported(self, client: Any) -> None:
        try:
            number = str(client.info()["version"]["number"])
        except self._api_error as error:
            if error.status_code == NOT_ALLOWED:
                return  # our key may not read this, and may still be allowed to search and index
            if error.status_code in UNKNOWN_MEDIA_TYPE:
                raise UnsupportedServer(
                    f"This is no Elasticsearch {SUPPORTED_SERVERS}, the supported version: it does not "
                    "understand the client."
                ) from None
            raise
        if number.partition(".")[0] != str(SUPPORTED_SERVERS):
            raise UnsupportedServer(
                f"The server is Elasticsearch {number}; supported is version {SUPPORTED_SERVERS}."
            )


def require_supported_client(version: tuple[int, ...]) -> None:
    """:raises ValueError: with a sentence."""
    if not OLDEST_CLIENT <= version < NEWEST_CLIENT:
        raise ValueError(
            f"needs its client in a version from {OLDEST_CLIENT[0]}.{OLDEST_CLIENT[1]} and below "
            f"{NEWEST_CLIENT[0]}, and not {'.'.join(map(str, version))}: "
            "pip install 'microblog[elasticsearch]'."
        )


def require_certificate(path: str) -> None:
    """:raises ValueError: when there is none in this file; the message of `ssl` does not name the file."""
    try:
        ssl.create_default_context(cafile=path)
    except (ValueError, OSError) as error:  # an SSLError is one of the latter
        reason = getattr(error, "strerror", None) or error
        raise ValueError(f"{CA_CERTIFICATE.key}: {path} has no certificate ({reason})") from None


def describe_error(error: Exception) -> str:
    """What went wrong, in one line without keys or passwords."""
    if isinstance(error, SearchUnavailable):
        return str(error)
    return f"Elasticsearch failed ({type(error).__name__}: {str(error)[:ERROR_CHARACTERS]})."


def get_retry_after(error: Exception) -> float | None:
    """The seconds after which the server asks us to retry; None when it names none."""
    headers = getattr(getattr(error, "meta", None), "headers", None) or {}
    return parse_retry_after(headers.get("retry-after"))


class Failures:
    """Logs a failure once when it begins and once when it ends, instead of once a request."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failing: set[str] = set()

    def begin(self, activity: str, sentence: str) -> None:
        with self._lock:
            is_new = not self._failing
            self._failing.add(activity)
        if is_new:
            log.warning("Search fails (%s): %s Posting and reading go on.", activity, sentence)

    def end(self, activity: str) -> None:
        with self._lock:
            if activity not in self._failing:
                return
            self._failing.remove(activity)
            is_over = not self._failing
        if is_over:
            log.warning("Search works again.")
