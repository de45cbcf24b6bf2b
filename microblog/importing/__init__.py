"""The import of posts from another site: `microblog import`."""

from typing import Any


def includeme(config: Any) -> None:
    config.add_models("microblog.importing.models")
    config.add_command("import", "microblog.importing.commands.import_posts", order=30)
