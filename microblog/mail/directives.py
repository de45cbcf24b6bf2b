"""`config.add_mail_kind`"""

from __future__ import annotations

import re
from typing import Any

from pyramid.config import PHASE0_CONFIG
from pyramid.exceptions import ConfigurationError

from microblog.mail.kinds import MailKind
from microblog.mail.models import KIND_CHARACTERS

NAME = re.compile(rf"[a-z][a-z_]{{1,{KIND_CHARACTERS - 1}}}")


def add_mail_kind(config: Any, name: str, *, folder: str, label: str, **options: Any) -> None:
    """Directive: `config.add_mail_kind("follow", folder="their.room:templates/mails/follow", label=_("…"))`.

    The folder has `subject.jinja2`, `text.jinja2` and `html.jinja2`. The label stands beside the switch.
    `is_switchable=False` is for mails that somebody has asked for, or that keep their account safe;
    `only_confirmed=False` for those that go to an address of which nobody knows yet whose it is. The text of
    an `is_secret` mail, which has a link that opens an account, is shown to no admin. Only admins see the
    switch of a kind that is `for_admins`. What is not sent within `lasts` is dropped.
    """
    if not NAME.fullmatch(name):
        raise ConfigurationError(
            f"The name of a kind of mails has 2 to {KIND_CHARACTERS} letters a-z and underscores: {name}"
        )
    kind = MailKind(name, folder.rstrip("/"), label, **options)
    introspectable = config.introspectable("mail kinds", name, name, "mail kind")
    introspectable["kind"] = kind
    config.action(
        ("mail kind", name),
        lambda: config.registry.mail_kinds.__setitem__(name, kind),
        order=PHASE0_CONFIG,
        introspectables=(introspectable,),
    )
