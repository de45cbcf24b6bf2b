"""Settings of where pictures are kept."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from microblog.settings import Setting, Settings, number, optional_text, text

ACCEL_PREFIX = re.compile(r"/([A-Za-z0-9_.-]+/)+")
ENDPOINT = re.compile(r"https?://[A-Za-z0-9._-]+(:\d{1,5})?/?|https?://\[[0-9A-Fa-f:.]+\](:\d{1,5})?/?")
KEY_PREFIX = re.compile(r"([A-Za-z0-9_.-]+/)*")


def optional_accel_prefix(value: str) -> str | None:
    if value and not ACCEL_PREFIX.fullmatch(value):
        raise ValueError("must be a path that begins and ends with a slash, such as /protected-media/")
    return value or None


def optional_endpoint(value: str) -> str | None:
    if value and not ENDPOINT.fullmatch(value):
        raise ValueError("must be an address without a path, such as https://s3.example.org")
    return value.rstrip("/") or None


def key_prefix(value: str) -> str:
    if not KEY_PREFIX.fullmatch(value):
        raise ValueError("must be empty, or end with a slash, such as microblog/")
    return value


STORAGE = Setting(
    "microblog.media.storage",
    text,
    "folder",
    "Where pictures are kept: folder, s3, or the dotted name of a storage of your own.",
)
FOLDER = Setting(
    "microblog.media.folder",
    Path,
    Path("media"),
    "The folder for microblog.media.storage = folder. It belongs into your backups.",
)
ACCEL_REDIRECT = Setting(
    "microblog.media.accel_redirect",
    optional_accel_prefix,
    None,
    "The path under which nginx has that folder as an internal location, such as /protected-media/: then "
    "nginx sends the pictures. Without it the site sends them itself.",
)
S3_BUCKET = Setting("microblog.media.s3.bucket", optional_text, None, "The bucket, which has to exist.")
S3_ENDPOINT = Setting(
    "microblog.media.s3.endpoint",
    optional_endpoint,
    None,
    "The address of the S3 server, such as https://s3.example.org; without it, that of Amazon in the region.",
)
S3_REGION = Setting("microblog.media.s3.region", text, "us-east-1", "The region of the bucket.")
S3_ACCESS_KEY = Setting(
    "microblog.media.s3.access_key",
    optional_text,
    None,
    "The access key; without it, what boto3 finds by itself, such as the role of the machine.",
)
S3_SECRET_KEY = Setting(
    "microblog.media.s3.secret_key", optional_text, None, "The secret of the access key.", secret=True
)
S3_PREFIX = Setting(
    "microblog.media.s3.prefix",
    key_prefix,
    "",
    "What the keys of all pictures begin with, such as microblog/, when others use the bucket, too.",
)
S3_TIMEOUT = Setting(
    "microblog.media.s3.timeout",
    number(0.1, 60),
    3.0,
    "Seconds to wait for an answer of the S3 server, once more after a failure.",
)

FOR_FOLDER: Final = (FOLDER,)
FOR_S3: Final = (S3_BUCKET, S3_ENDPOINT, S3_REGION, S3_ACCESS_KEY, S3_SECRET_KEY, S3_PREFIX, S3_TIMEOUT)


def check_together(settings: Settings) -> None:
    """Remember as faults what is wrong only with one another."""
    if settings[ACCEL_REDIRECT] and settings[STORAGE] != "folder":
        settings.add_fault(f"{ACCEL_REDIRECT.key} needs {STORAGE.key} = folder: nginx reads the files there.")
    if settings[STORAGE] != "s3":
        return
    if settings[S3_BUCKET] is None:
        settings.add_fault(f"{S3_BUCKET.key} is missing: {STORAGE.key} = s3 keeps pictures in it.")
    if (settings[S3_ACCESS_KEY] is None) != (settings[S3_SECRET_KEY] is None):
        missing = S3_ACCESS_KEY if settings[S3_ACCESS_KEY] is None else S3_SECRET_KEY
        settings.add_fault(f"{missing.key} is missing: an access key and its secret belong together.")
