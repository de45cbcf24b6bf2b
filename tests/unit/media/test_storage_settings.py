"""`microblog.media.storage` names a storage, built in or one's own; wrong settings stop the start."""

from __future__ import annotations

import pytest

from microblog.media.storage.interfaces import get_storage
from microblog.settings import SettingsError
from tests.contract.shelf import Shelf

OWN = f"{Shelf.__module__}.{Shelf.__name__}"
NAME = "-Ab_0123456789abcdefgh-0.webp"
S3 = {"microblog.media.storage": "s3", "microblog.media.s3.bucket": "pictures"}


class NoStorageAtAll:
    def __init__(self, settings):
        pass


@pytest.mark.parametrize(("settings", "name"), [({}, "folder"), (S3, "s3")])
def test_a_storage_is_chosen_by_its_name(make_application, settings, name):
    assert get_storage(make_application(settings).registry).name == name


def test_one_of_ones_own_is_chosen_by_its_dotted_name_and_has_settings(make_application):
    settings = {"microblog.media.storage": OWN, "microblog.media.shelf.most": "0"}
    storage = get_storage(make_application(settings).registry)
    with pytest.raises(Exception, match="The shelf of pictures is full"):
        storage.put(NAME, b"a picture")


def test_a_plugin_replaces_the_one_that_was_chosen(make_application):
    application = make_application(
        {"microblog.media.storage": OWN},
        extend=lambda config: config.set_picture_storage(Shelf(config.registry.microblog)),
    )
    assert get_storage(application.registry).name == "shelf"


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        (
            {"microblog.media.storage": "attic"},
            "microblog.media.storage must be one of folder, s3, or a dotted",
        ),
        ({"microblog.media.storage": "no.such.module"}, "cannot be imported"),
        ({"microblog.media.storage": f"{__name__}.NoStorageAtAll"}, "does not provide IPictureStorage"),
        (
            {"microblog.media.storage": OWN, "microblog.media.shelf.most": "-1"},
            "microblog.media.shelf.most must",
        ),
        ({"microblog.media.storage": "s3"}, "microblog.media.s3.bucket is missing: .*keeps pictures in it"),
        ({**S3, "microblog.media.s3.access_key": "a"}, "microblog.media.s3.secret_key is missing"),
        ({**S3, "microblog.media.s3.secret_key": "a"}, "microblog.media.s3.access_key is missing"),
        ({**S3, "microblog.media.s3.endpoint": "s3.example.org"}, "must be an address without a path"),
        (
            {**S3, "microblog.media.s3.endpoint": "https://s3.example.org/b"},
            "must be an address without a path",
        ),
        ({**S3, "microblog.media.s3.prefix": "microblog"}, "must be empty, or end with a slash"),
        ({**S3, "microblog.media.s3.prefix": "/"}, "must be empty, or end with a slash"),
        ({**S3, "microblog.media.accel_redirect": "/media-files/"}, "needs microblog.media.storage = folder"),
        ({"microblog.media.accel_redirect": "protected"}, "must be a path that begins and ends with a slash"),
        ({"microblog.media.accel_redirect": "/"}, "must be a path that begins and ends with a slash"),
    ],
)
def test_a_site_does_not_start_with_a_storage_that_cannot_work(make_application, settings, fault):
    with pytest.raises(SettingsError, match=fault):
        make_application(settings)


def test_the_settings_of_what_is_not_in_use_may_stay(make_application):
    application = make_application({"microblog.media.s3.endpoint": "nonsense"})
    assert "microblog.media.s3.endpoint must be" in application.registry.microblog.warnings[0]
