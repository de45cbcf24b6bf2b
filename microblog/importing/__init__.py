"""Posts that come in from elsewhere: `microblog import`."""

from typing import Any


def includeme(config: Any) -> None:
    config.add_models("microblog.importing.models")
    config.add_command("import", "microblog.importing.commands.import_posts", order=30)
