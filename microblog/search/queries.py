"""SQL of search that belongs to no single adapter."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.accounts.models import Nickname
from microblog.outbox.models import Entry
from microblog.outbox.queries import delete_all
from microblog.posts.models import Post
from microblog.search.models import KIND

NEWEST_OF_AN_AUTHOR = 50

# The triggers of adapters that are fed through the outbox; in pure SQL, so that they work in a shell, too.
HAS_TRIGGERS = {
    "sqlite": sa.text("SELECT 1 FROM sqlite_master WHERE name = 'search_outbox_deleted'"),
    "postgresql": sa.text("SELECT 1 FROM pg_trigger WHERE tgname = 'search_outbox_post_changed'"),
}
CREATED = {
    "sqlite": "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
    "postgresql": "(extract(epoch FROM clock_timestamp()) * 1000)::bigint",
}
WRITE = "INSERT INTO outbox (kind, key, created) SELECT 'search', {id}, {created}"
SQLITE_TRIGGERS = {
    "search_outbox_inserted": ("AFTER INSERT ON posts", "new.id"),
    "search_outbox_updated": ("AFTER UPDATE OF id, user_id, body, language ON posts", "new.id"),
    "search_outbox_renumbered": ("AFTER UPDATE OF id ON posts WHEN old.id <> new.id", "old.id"),
    "search_outbox_deleted": ("AFTER DELETE ON posts", "old.id"),
}
POSTGRESQL_FUNCTION = f"""CREATE OR REPLACE FUNCTION search_outbox_changed() RETURNS trigger
    LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' OR (TG_OP = 'UPDATE' AND OLD.id <> NEW.id) THEN
            {WRITE.format(id="OLD.id", created=CREATED["postgresql"])};
        END IF;
        IF TG_OP <> 'DELETE' THEN
            {WRITE.format(id="NEW.id", created=CREATED["postgresql"])};
        END IF;
        RETURN NULL;
    END $$"""
POSTGRESQL_TRIGGER = """CREATE OR REPLACE TRIGGER search_outbox_post_changed
    AFTER INSERT OR DELETE OR UPDATE OF id, user_id, body, language ON posts
    FOR EACH ROW EXECUTE FUNCTION search_outbox_changed()"""


def install_triggers(session: orm.Session) -> None:
    """Create the triggers, and an entry for every existing post; harmless when they exist."""
    dialect = session.get_bind().dialect.name
    if session.scalar(HAS_TRIGGERS[dialect]):
        return
    # Triggers first: on PostgreSQL this waits for writers, so that the statement below sees all their posts.
    for statement in build_triggers(dialect):
        session.execute(sa.text(statement))
    everything = WRITE.format(id="id", created=CREATED[dialect])
    session.execute(sa.text(f"{everything} FROM posts ORDER BY id"))


def build_triggers(dialect: str) -> list[str]:
    if dialect == "postgresql":
        return [POSTGRESQL_FUNCTION, POSTGRESQL_TRIGGER]
    return [
        f"CREATE TRIGGER {name} {event} BEGIN {WRITE.format(id=row, created=CREATED[dialect])}; END"
        for name, (event, row) in SQLITE_TRIGGERS.items()
    ]


def uninstall_triggers(session: orm.Session) -> None:
    """Harmless when they are gone."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(sa.text("DROP TRIGGER IF EXISTS search_outbox_post_changed ON posts"))
        session.execute(sa.text("DROP FUNCTION IF EXISTS search_outbox_changed()"))
        return
    for name in SQLITE_TRIGGERS:
        session.execute(sa.text(f"DROP TRIGGER IF EXISTS {name}"))


def stop_feeding(session: orm.Session) -> None:
    """Stop feeding an index through the outbox: remove the triggers and the waiting entries."""
    uninstall_triggers(session)
    delete_all(session, KIND)


def list_unknown_nicknames(session: orm.Session, nicknames: Sequence[str]) -> list[str]:
    """Those of the nicknames (in lower case) that nobody has or had."""
    known = set(session.scalars(sa.select(Nickname.key).where(Nickname.key.in_(nicknames))))
    return [nickname for nickname in nicknames if nickname not in known]


def find_waiting_ids(session: orm.Session, kind: str, author_id: int) -> list[int]:
    """Ids of an author's newest posts that have a waiting outbox entry, the newest first."""
    newest = (
        sa.select(Post.id)
        .where(Post.user_id == author_id)
        .order_by(Post.id.desc())
        .limit(NEWEST_OF_AN_AUTHOR)
        .subquery()
    )
    has_entry = (
        sa.select(sa.literal(1))
        .where(Entry.kind == kind, Entry.key == sa.cast(newest.c.id, sa.String))
        .exists()
    )
    return list(session.scalars(sa.select(newest.c.id).where(has_entry).order_by(newest.c.id.desc())))
