"""Limits that no benchmark reaches: they are counted as on any site, and refuse nobody."""

from __future__ import annotations

RATE = "1000000 per hour"
SETTINGS = {
    f"microblog.limits.{name}": RATE
    for name in (
        "login.per_account_and_address",
        "login.per_account",
        "login.per_address",
        "login.site",
        "sign_up.per_address",
        "sign_up.site",
        "posts.per_account",
        "follows.per_account",
        "likes.per_account",
        "boosts.per_account",
        "searches.per_account",
        "searches.per_address",
    )
}
# For a version that may not know them: of a variable that is no setting it only warns.
ENVIRONMENT = {key.upper().replace(".", "_"): rate for key, rate in SETTINGS.items()}
LINES = "".join(f"{key} = {rate}\n" for key, rate in SETTINGS.items())
