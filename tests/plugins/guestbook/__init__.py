"""A guestbook: the room of docs/architecture.md, "How to add a room". `pyramid.includes` brings it in."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.accounts.events import AccountCreated
    from tests.plugins.guestbook import checks, outbox, tasks
    from tests.plugins.guestbook.events import Signed
    from tests.plugins.guestbook.resources import Guestbook, GuestbookAdmin
    from tests.plugins.guestbook.search import NewestPosts
    from tests.plugins.guestbook.settings import OPEN, SETTINGS
    from tests.plugins.guestbook.subscribers import greet

    config.declare_settings(*SETTINGS)
    config.add_models("tests.plugins.guestbook.models")
    # Pages
    config.add_branch("guestbook", Guestbook)
    config.reserve_nicknames("guest", "guests")
    config.add_nav_item("guestbook", "Guestbook", lambda request: request.link("guestbook", ""), order=35)
    config.add_template_global("guestbook_open", lambda request: request.microblog[OPEN])
    config.add_recovered_fields(signature="What you wrote into the guestbook")
    config.add_admin_page("guestbook", "Guestbook", GuestbookAdmin)
    # What happens elsewhere, and outside of requests
    config.add_subscriber(greet, AccountCreated)
    config.add_outbox_kind(outbox.KIND, outbox.deliver, batch=100)
    config.add_worker_task("old signatures", tasks.delete_old_signatures, every=3600)
    # What operators do with it, and see of it
    config.add_command("guestbook", "tests.plugins.guestbook.commands.guestbook")
    config.add_health_check("guestbook", checks.check_file, needs_database=False)
    config.add_metric("guestbook_signed", "Signatures since the start.")
    config.add_metric("guestbook_signatures", read=checks.read_signatures)
    config.add_subscriber(checks.count_signed, Signed)
    # Replaces parts of microblog: the search, the first page for visitors, and the view of /explore
    config.set_search_adapter(NewestPosts())
    config.scan("tests.plugins.guestbook.views")
    config.override_asset(
        "microblog.timelines:templates/public.jinja2", "tests.plugins.guestbook:templates/welcome.jinja2"
    )
