"""Pictures in a folder: where files are, who may read them, and what a crash or a full disk leaves."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from microblog.media.storage.folder import FolderStorage
from microblog.media.storage.interfaces import StorageUnavailable
from microblog.media.storage.settings import FOLDER
from microblog.settings import Settings

NAME = "-Ab_0123456789abcdefgh-0.webp"
OTHER = "-Ab_0123456789abcdefgh-1.webp"
FAR = "zz_0123456789abcdefghij-0.webp"[:22] + "-0.webp"
DISK_BYTES = 1 << 18
PICTURE = b"x" * 50_000


def make_storage(folder: Path) -> FolderStorage:
    settings = Settings({"microblog.media.folder": str(folder)}, {})
    settings.declare(FOLDER)
    return FolderStorage(settings)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "new" / "media"


@pytest.fixture
def storage(folder):
    return make_storage(folder)


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a file system of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("Run as root, where a file system can be mounted: this fills one.")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def list_paths(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def get_size(storage: FolderStorage, name: str) -> int | None:
    info = storage.find(name)
    return None if info is None else info.size


def fill(file: Path) -> None:
    """Leaves no room."""
    with suppress(OSError), file.open("wb", buffering=0) as opened:
        while True:
            opened.write(b"x" * 4096)


def make_old(path: Path, hours: float) -> None:
    then = time.time() - 3600 * hours
    os.utime(path, (then, then))


def test_a_file_is_in_a_folder_by_its_first_two_characters(storage, folder):
    storage.put(NAME, b"a picture")
    assert list_paths(folder) == ["-A", f"-A/{NAME}"]
    assert (folder / "-A" / NAME).read_bytes() == b"a picture"


def test_nothing_is_made_before_there_is_a_picture(storage, folder):
    assert storage.read(NAME) is None
    assert list(storage.list_files()) == []
    storage.delete([NAME])
    assert not folder.parent.exists()


def test_the_group_may_read_pictures_whatever_the_umask_is(storage, folder):
    before = os.umask(0o077)
    try:
        storage.put(NAME, b"a picture")
    finally:
        os.umask(before)
    modes = [path.stat().st_mode & 0o777 for path in (folder, folder / "-A", folder / "-A" / NAME)]
    assert modes == [0o750, 0o750, 0o640]


def test_a_file_that_is_written_again_is_whole_for_whoever_reads_it_meanwhile(storage):
    storage.put(NAME, PICTURE)
    read = []

    def rewrite():
        for _ in range(50):
            storage.put(NAME, PICTURE)

    threads = [threading.Thread(target=rewrite) for _ in range(3)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        stored = storage.read(NAME)
        read.append(b"".join(stored.data))
        stored.close()
    assert set(read) == {PICTURE}


def test_a_server_can_send_the_file_itself(storage, folder):
    storage.put(NAME, PICTURE)
    stored = storage.read(NAME)
    assert Path(f"/proc/self/fd/{stored.file.fileno()}").readlink() == folder / "-A" / NAME
    stored.close()
    assert stored.file.closed


def test_what_a_killed_process_has_left_is_removed_after_a_day(storage, folder):
    storage.put(NAME, b"a picture")
    left = [folder / ".check.0123.tmp", folder / "-A" / f".{NAME}.0123.tmp"]
    young = folder / "-A" / f".{OTHER}.0123.tmp"
    for path in (*left, young):
        path.write_bytes(b"half a pic")
    for path in left:
        make_old(path, 24.1)
    make_old(young, 23.9)
    assert [info.name for info in storage.list_files()] == [NAME]
    assert not any(path.exists() for path in left)
    assert young.exists()


def test_what_others_have_put_there_is_neither_listed_nor_removed(storage, folder):
    storage.put(NAME, b"a picture")
    (folder / "-A" / ".old.tmp").mkdir()  # no file, so it cannot be removed
    for name in ("README", ".hidden", "zz", f"{'a' * 22}-0.webp", "-A/thumbs.db", "lost+found.tmp"):
        (folder / name).write_bytes(b"of somebody else")
    before = list_paths(folder)
    for path in folder.rglob("*"):
        make_old(path, 1000)
    assert [info.name for info in storage.list_files()] == [NAME]
    assert list_paths(folder) == before


def test_a_file_that_is_deleted_while_the_list_is_read_is_left_out(storage):
    for name in (NAME, OTHER, FAR):
        storage.put(name, b"a picture")
    listed = storage.list_files()
    assert next(listed).name == NAME
    storage.delete([OTHER])
    assert [info.name for info in listed] == [FAR]


def test_a_disk_that_is_full_keeps_nothing_of_a_picture_and_says_what_to_do(small_disk):
    storage = make_storage(small_disk / "media")
    storage.put(NAME, PICTURE)
    filler = small_disk / "filler"
    fill(filler)
    before = list_paths(small_disk)
    for act in (lambda: storage.put(OTHER, PICTURE), storage.check):
        with pytest.raises(StorageUnavailable, match=r"is full: make room, or set microblog\.media\.folder"):
            act()
    assert list_paths(small_disk) == before
    filler.unlink()
    storage.put(OTHER, PICTURE)
    assert get_size(storage, OTHER) == len(PICTURE)


def test_a_picture_that_cannot_be_replaced_stays_as_it_was(small_disk):
    storage = make_storage(small_disk)
    storage.put(NAME, b"a picture")
    with pytest.raises(StorageUnavailable, match="is full"):
        storage.put(NAME, b"x" * 2 * DISK_BYTES)
    assert (small_disk / "-A" / NAME).read_bytes() == b"a picture"


def test_a_folder_that_may_not_be_written_is_told_in_a_sentence(small_disk):
    storage = make_storage(small_disk)
    storage.put(NAME, b"a picture")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    told = r"This user may not write the folder of pictures .* \(Read-only file system\): `chown` it"
    for act in (lambda: storage.put(OTHER, b"x"), lambda: storage.delete([NAME]), storage.check):
        with pytest.raises(StorageUnavailable, match=told):
            act()
    assert get_size(storage, NAME) == len("a picture")


@pytest.mark.parametrize("make", [Path.touch, lambda path: path.symlink_to("nowhere")])
def test_a_folder_that_is_none_is_told_in_a_sentence(tmp_path, make):
    make(tmp_path / "file")
    storage = make_storage(tmp_path / "file")
    assert storage.find(NAME) is None
    assert storage.read(NAME) is None
    for act in (lambda: storage.put(NAME, b"a picture"), storage.check):
        with pytest.raises(StorageUnavailable, match=r"cannot be used \(.*\): check microblog.media.folder"):
            act()
