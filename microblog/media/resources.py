"""The nodes of pictures in the tree."""

from __future__ import annotations

from microblog.media.storage.names import is_file_name
from microblog.tree import Container, Resource


class Media(Container):
    """`/media/`"""

    def find(self, name: str) -> Resource | None:
        return PictureFile(self, name) if is_file_name(name) else None


class PictureFile(Resource):
    """`/media/{name}-{number}.webp`: one size of a picture. Whether it is there is known to the storage."""
