"""What becomes of a form that somebody sent: it is kept over a log-in, and sent twice it is done once."""

from typing import Any


def includeme(config: Any) -> None:
    config.include("microblog.submissions.kept")
    config.include("microblog.submissions.results")
    config.include("microblog.submissions.sending")
    config.include("microblog.submissions.tasks")
