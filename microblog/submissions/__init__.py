"""Forms that were sent: they survive a log-in, and a form that is sent twice is done once."""

from typing import Any


def includeme(config: Any) -> None:
    config.include("microblog.submissions.kept")
    config.include("microblog.submissions.results")
    config.include("microblog.submissions.sending")
    config.include("microblog.submissions.tasks")
    config.add_template_global("form_key", lambda request: request.form_key)
    config.add_template_global("kept_token", lambda request: request.kept_token)
    config.add_models("microblog.submissions.models")
