"""Settings of this package."""

from __future__ import annotations

from microblog.settings import Setting, boolean

ACCESS_LOG = Setting("microblog.access_log", boolean, True, "A line in the log for each request.")

SETTINGS = (ACCESS_LOG,)
