"""Where the worker runs."""

from microblog.settings import Setting, one_of

WORKER = Setting(
    "microblog.worker",
    one_of("inline", "separate", "off"),
    "inline",
    "inline: the worker is a thread of the server. separate: you run `microblog worker` beside it. "
    "off: nothing runs in the background (for tests).",
)
