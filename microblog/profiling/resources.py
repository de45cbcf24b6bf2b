"""`/admin/profiles/` and `/admin/profiles/{name}`."""

from __future__ import annotations

from pathlib import Path

from microblog.profiling import profiles
from microblog.profiling.settings import PROFILER_DIRECTORY
from microblog.tree import Container, Resource


class ProfilePage(Resource):
    """One request that was profiled; `file` is its .prof."""

    def __init__(self, parent: Resource, profiled: profiles.Profiled, name: str, file: Path) -> None:
        super().__init__(parent, name)
        self.profiled = profiled
        self.file = file


class ProfilesPage(Container):
    @property
    def folder(self) -> Path | None:
        folder: Path | None = self.request.microblog[PROFILER_DIRECTORY]
        return folder

    def find(self, name: str) -> ProfilePage | None:
        profiled = None if self.folder is None else profiles.read(self.folder, name)
        if self.folder is None or profiled is None:
            return None
        return ProfilePage(self, profiled, name, self.folder / f"{name}.prof")
