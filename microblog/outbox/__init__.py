"""The outbox: rows for what must leave the process, written in the transaction of its cause."""

from typing import Any


def includeme(config: Any) -> None:
    from microblog.outbox.delivery import Outbox, deliver_kinds
    from microblog.outbox.kinds import add_outbox_kind, declare_derived_kind

    config.registry.outbox = Outbox(config.registry)
    config.registry.derived_kinds = set()
    config.add_directive("add_outbox_kind", add_outbox_kind)
    config.add_directive("declare_derived_kind", declare_derived_kind)
    config.add_worker_task("outbox", deliver_kinds, order=1)
    config.include("microblog.outbox.checks")
    config.add_models("microblog.outbox.models")
    config.add_command("outbox", "microblog.outbox.commands.outbox", order=55)
