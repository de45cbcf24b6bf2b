"""Settings of this package."""

from microblog.settings import Setting, text

SEARCH = Setting(
    "microblog.search",
    text,
    "fts5",
    "The search adapter: fts5 (inside SQLite), postgresql (inside PostgreSQL), elasticsearch, none, "
    "or the dotted name of one of your own.",
)
