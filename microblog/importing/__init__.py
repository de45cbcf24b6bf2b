"""Posts that come in from elsewhere: `microblog import`."""

from typing import Any


def includeme(config: Any) -> None:
    config.add_models("microblog.importing.models")
