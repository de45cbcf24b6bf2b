"""The storage of a site: chosen by its name in the ini file, or set by `config.set_picture_storage`."""

from __future__ import annotations

from typing import Any

from pyramid.config import PHASE0_CONFIG
from zope.interface.verify import verifyClass

from microblog.choosing import choose, resolve_class
from microblog.media.storage.folder import FolderStorage
from microblog.media.storage.interfaces import IPictureStorage
from microblog.media.storage.settings import STORAGE
from microblog.settings import Settings

STORAGES = {
    "folder": "microblog.media.storage.folder.FolderStorage",
    "s3": "microblog.media.storage.s3.S3Storage",
}


def choose_storage(config: Any) -> None:
    """Set the storage that `microblog.media.storage` names; a fault of it becomes a fault of the settings.

    A class of one's own gets the settings, those among them that its attribute `SETTINGS` lists.
    """
    settings = config.registry.microblog

    def make(storage_class: Any) -> Any:
        config.declare_settings(*getattr(storage_class, "SETTINGS", ()))
        return storage_class(settings)

    if not choose(
        config, STORAGE, STORAGES, IPictureStorage, get_class, config.set_picture_storage, make=make
    ):
        config.set_picture_storage(FolderStorage(settings))


def set_picture_storage(config: Any, storage: Any) -> None:
    """Directive: pictures are kept by this object, which provides `IPictureStorage`."""
    introspectable = config.introspectable("picture storage", None, type(storage).__name__, "picture storage")
    config.action(
        "picture storage",
        lambda: config.registry.registerUtility(storage, IPictureStorage),
        order=PHASE0_CONFIG,
        introspectables=(introspectable,),
    )


def get_class(name: str) -> Any:
    """The class of a storage, built in or not.

    :raises ImportError, AttributeError, ValueError, Invalid: when there is none, or it is no storage.
    """
    storage_class = resolve_class(name, STORAGES)
    verifyClass(IPictureStorage, storage_class)
    return storage_class


def make_storage(settings: Settings) -> IPictureStorage:
    """The storage that `microblog.media.storage` names, without an application."""
    storage: IPictureStorage = get_class(settings[STORAGE])(settings)
    return storage
