"""Posts that come in from elsewhere: `microblog import`."""

from typing import Any


def includeme(config: Any) -> None:
    """Has no pages and no settings yet; its tables are in `models`."""
