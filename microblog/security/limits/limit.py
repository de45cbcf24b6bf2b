"""The limits that rooms declare, and the settings of each."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Any

from microblog.request import Registry
from microblog.security.limits.models import KEY_CHARACTERS
from microblog.security.limits.rules import Count, Rate, parse_rate
from microblog.security.settings import SECRET
from microblog.settings import Setting

# What may be limited, and what its setting says of it.
PER_ACCOUNT, PER_ADDRESS, SITE = "per_account", "per_address", "site"
PER_ACCOUNT_AND_ADDRESS = "per_account_and_address"
SCOPES = {
    PER_ACCOUNT_AND_ADDRESS: "for one account from one address, or in a browser that it has logged in with",
    PER_ACCOUNT: "for one account",
    PER_ADDRESS: "from one address (of IPv6: from a /64)",
    SITE: "for the whole site",
}


@dataclass(frozen=True)
class Limit:
    """How often something may be done. `refusal` is the sentence that a refused request begins with."""

    name: str
    refusal: str
    rates: dict[str, Setting[Rate]]

    def count_for(self, registry: Registry, scope: str, *subject: object) -> Count | None:
        """The count of this subject; None when the limit has no such scope, or it is off."""
        setting = self.rates.get(scope)
        if setting is None or registry.microblog[setting].is_off:
            return None
        return Count(scope, make_key(registry, self.name, scope, *subject), registry.microblog[setting])


def make_key(registry: Registry, *parts: object) -> str:
    """What stands for an account or an address in the database and in a cookie, and tells it to nobody."""
    text = repr(("limit", *map(str, parts))).encode("utf-8", "backslashreplace")
    return hmac.new(registry.microblog[SECRET].encode(), text, hashlib.sha256).hexdigest()[:KEY_CHARACTERS]


def add_limit(config: Any, name: str, *, what: str, refusal: str, **rates: str) -> None:
    """Directive: `config.add_limit("posts", what="Posts", refusal="…", per_account="30 per 10 minutes")`.

    Each rate has a setting (`microblog.limits.posts.per_account`), whose default is given here. `what` begins
    its explanation. Views count by `microblog.security.limits.counting`.
    """
    settings: dict[str, Setting[Rate]] = {
        scope: Setting(
            f"microblog.limits.{name}.{scope}",
            parse_rate,
            parse_rate(rate),
            f"{what} {SCOPES[scope]}. 0: no limit.",
        )
        for scope, rate in rates.items()
    }
    config.declare_settings(*settings.values())
    limit = Limit(name, refusal, settings)

    def register() -> None:
        config.registry.limits[name] = limit

    introspectable = config.introspectable("limits", name, name, "limit")
    introspectable.update(rates=rates)
    config.action(("limit", name), register, order=-10, introspectables=(introspectable,))
