"""Pictures in a bucket of S3: Amazon's, or a server that speaks the same protocol."""

from __future__ import annotations

import importlib.util
import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC
from typing import Any, Final

from zope.interface import implementer

from microblog.media.storage.breaker import Breaker
from microblog.media.storage.interfaces import FileInfo, IPictureStorage, StorageUnavailable, StoredFile
from microblog.media.storage.names import get_path, is_file_name
from microblog.media.storage.settings import (
    FOR_S3,
    S3_ACCESS_KEY,
    S3_BUCKET,
    S3_ENDPOINT,
    S3_PREFIX,
    S3_REGION,
    S3_SECRET_KEY,
    S3_TIMEOUT,
)
from microblog.settings import Settings

CONTENT_TYPE: Final = "image/webp"
# For a bucket that shows its pictures itself; a name always has the same content.
CACHE_CONTROL: Final = "public, max-age=31536000, immutable"
ATTEMPTS: Final = 2
CONNECTIONS: Final = 16
CHUNK_BYTES: Final = 1 << 16
FILES_AT_ONCE: Final = 1000  # of a deletion or a list; the protocol allows no more
TIMEOUTS_OF_A_FILE: Final = 3  # all of its chunks together; a server may send each one late
SECONDS_BETWEEN_TRIES: Final = 5.0
NOT_FOUND: Final = ("NoSuchKey", "404")
REFUSED: Final = (401, 403)
SERVER_ERROR: Final = 500


@implementer(IPictureStorage)
class S3Storage:
    """A file is an object: its key is the prefix of the settings, and where it would be in a folder."""

    name = "s3"
    SETTINGS = FOR_S3

    def __init__(
        self,
        settings: Settings,
        *,
        seconds_between_tries: float = SECONDS_BETWEEN_TRIES,
        files_at_once: int = FILES_AT_ONCE,
    ) -> None:
        """
        :raises ValueError: when its client is not installed.
        """
        if importlib.util.find_spec("boto3") is None:
            raise ValueError("needs its client: pip install 'microblog[s3]'.")
        self._settings = settings
        self._bucket = settings[S3_BUCKET]
        self._prefix = settings[S3_PREFIX]
        self._where = f"the bucket {self._bucket} at {settings[S3_ENDPOINT] or 'Amazon'}"
        self._files_at_once = files_at_once
        self._seconds_of_a_file = TIMEOUTS_OF_A_FILE * settings[S3_TIMEOUT]
        self._breaker = Breaker(seconds_between_tries)
        self._lock = threading.Lock()
        self._client: Any = None

    def put(self, file_name: str, data: bytes) -> None:
        key = self._get_key(file_name)
        with self._ask() as client:
            client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=data,
                ContentType=CONTENT_TYPE,
                CacheControl=CACHE_CONTROL,
            )

    def find(self, file_name: str) -> FileInfo | None:
        key = self._get_key(file_name)
        with self._ask() as client:
            found = get_or_none(client.head_object, Bucket=self._bucket, Key=key)
        return None if found is None else make_info(file_name, found["ContentLength"], found["LastModified"])

    def read(self, file_name: str) -> StoredFile | None:
        """Read whole, before anything of it is sent to somebody: a server may go away in the middle."""
        key = self._get_key(file_name)
        with self._ask() as client:
            found = get_or_none(client.get_object, Bucket=self._bucket, Key=key)
            if found is None:
                return None
            chunks = self._read_body(found["Body"])
        info = make_info(file_name, sum(map(len, chunks)), found["LastModified"])
        return StoredFile(info, iter(chunks))

    def _read_body(self, body: Any) -> list[bytes]:
        """:raises StorageUnavailable: when it comes too slowly, a little at a time."""
        end = time.monotonic() + self._seconds_of_a_file
        chunks = []
        try:
            for chunk in body.iter_chunks(CHUNK_BYTES):
                chunks.append(chunk)
                if time.monotonic() > end:
                    raise self._fail(f"did not send a file within {self._seconds_of_a_file:g} seconds")
        finally:
            body.close()
        return chunks

    def delete(self, file_names: Sequence[str]) -> None:
        keys = [self._get_key(file_name) for file_name in file_names]
        for start in range(0, len(keys), self._files_at_once):
            objects = [{"Key": key} for key in keys[start : start + self._files_at_once]]
            with self._ask() as client:
                answer = client.delete_objects(
                    Bucket=self._bucket, Delete={"Objects": objects, "Quiet": True}
                )
            for error in answer.get("Errors", ()):
                raise self._refuse(error.get("Code", ""), error.get("Message", ""))

    def list_files(self) -> Iterator[FileInfo]:
        more: dict[str, str] = {}
        while True:
            with self._ask() as client:
                page = client.list_objects_v2(
                    Bucket=self._bucket, Prefix=self._prefix, MaxKeys=self._files_at_once, **more
                )
            for found in page.get("Contents", ()):
                file_name = found["Key"].rpartition("/")[2]
                # Others' objects in the same bucket are none of ours.
                if is_file_name(file_name) and found["Key"] == self._get_key(file_name):
                    yield make_info(file_name, found["Size"], found["LastModified"])
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def check(self) -> str:
        key = f"{self._prefix}check-{secrets.token_hex(4)}"
        with self._ask(always=True) as client:
            client.put_object(Bucket=self._bucket, Key=key, Body=b"pictures can be stored")
            client.delete_object(Bucket=self._bucket, Key=key)
        return f"Pictures are kept in {self._where}."

    def _get_key(self, file_name: str) -> str:
        return f"{self._prefix}{get_path(file_name)}"

    @contextmanager
    def _ask(self, *, always: bool = False) -> Iterator[Any]:
        """The client, for one question; `always` also when the server did not answer a moment ago.

        :raises StorageUnavailable: for every error of the client and of the server, with what to do.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        if not always:
            self._breaker.begin()
        try:
            yield self._get_client()
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            code, message = (error.response.get("Error", {}).get(part, "") for part in ("Code", "Message"))
            if status >= SERVER_ERROR:
                raise self._fail(f"answered with an error ({code}: {message})") from error
            self._breaker.note_answer()
            raise self._refuse(code, message, is_login=status in REFUSED) from error
        except BotoCoreError as error:
            raise self._fail(f"could not be asked ({error})") from error
        self._breaker.note_answer()

    def _fail(self, what: str) -> StorageUnavailable:
        """The server does not work: nobody waits for it for a while."""
        sentence = (
            f"Pictures: {self._where} {what}. Check that it runs and can be reached, and "
            f"{S3_ENDPOINT.key}; the site tries again by itself."
        )
        self._breaker.note_failure(sentence)
        return StorageUnavailable(sentence)

    def _refuse(self, code: str, message: str, *, is_login: bool = False) -> StorageUnavailable:
        """The server works, and does not do what is asked of it."""
        check = f"{S3_ACCESS_KEY.key}, {S3_SECRET_KEY.key} and the rights of that key"
        if not is_login:
            check = f"{S3_BUCKET.key} and {S3_REGION.key}"
        return StorageUnavailable(
            f"Pictures: {self._where} refuses what is asked of it ({code}: {message}). Check {check}."
        )

    def _get_client(self) -> Any:
        """Made when it is needed: that takes half a second, which most commands can do without."""
        with self._lock:
            if self._client is None:
                self._client = make_client(self._settings)
            return self._client


def make_client(settings: Settings) -> Any:
    """A client of boto3, which several threads may use."""
    import boto3
    from botocore.config import Config

    endpoint = settings[S3_ENDPOINT]
    config = Config(
        connect_timeout=settings[S3_TIMEOUT],
        read_timeout=settings[S3_TIMEOUT],
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        max_pool_connections=CONNECTIONS,
        # A server of one's own seldom has a host name for each bucket.
        s3={"addressing_style": "auto" if endpoint is None else "path"},
        # Checksums that only new servers of Amazon know.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint,
        region_name=settings[S3_REGION],
        aws_access_key_id=settings[S3_ACCESS_KEY],
        aws_secret_access_key=settings[S3_SECRET_KEY],
        config=config,
    )


def get_or_none(ask: Any, **arguments: Any) -> Any:
    """The answer; None when there is no such object."""
    from botocore.exceptions import ClientError

    try:
        return ask(**arguments)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in NOT_FOUND:
            return None
        raise


def make_info(file_name: str, size: int, modified: Any) -> FileInfo:
    return FileInfo(file_name, size, modified.astimezone(UTC))
