"""Who sends the request, and what they may do.

Rooms recognize people by loaders (`config.add_identity_loader`); this package knows none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pyramid.authorization import ACLHelper, Authenticated, Everyone
from pyramid.request import RequestLocalCache
from sqlalchemy import orm

from microblog.request import Request
from microblog.security.identity import Identity

# Roles; what each may do is said by the `__acl__` of the tree (docs/moderation.md).
ADMINS, MODERATORS = "group:admin", "group:moderator"

IdentityLoader = Callable[[Request], Identity | None]
Hold = Callable[[orm.Session, Identity], None]


@dataclass(frozen=True, slots=True)
class Recognized:
    """The sender of a request, and the function that verifies them again; empty for visitors."""

    identity: Identity | None = None
    hold: Hold | None = None


NOBODY = Recognized()


class SecurityPolicy:
    """Identity by a chain of loaders; permissions by the `__acl__` of a resource and its parents."""

    def __init__(self) -> None:
        self.loaders: dict[str, tuple[int, IdentityLoader, Hold | None]] = {}
        self._cache = RequestLocalCache(self._load)
        self._acl = ACLHelper()

    def _load(self, request: Request) -> Recognized:
        for _, loader, hold in sorted(self.loaders.values(), key=lambda item: item[0]):
            identity = loader(request)
            if identity is not None:
                return Recognized(identity, hold)
        return NOBODY

    def _recognize(self, request: Request) -> Recognized:
        if request.without_identity:
            return NOBODY
        recognized: Recognized = self._cache.get_or_create(request)
        return recognized

    def identity(self, request: Request) -> Identity | None:
        return self._recognize(request).identity

    def hold_identity(self, request: Request, session: orm.Session) -> None:
        """The last check before writing: the identity of the sender is still valid.

        :raises StaleData: when it is not; the request is tried again, without it.
        """
        recognized = self._recognize(request)
        if recognized.identity is not None and recognized.hold is not None:
            recognized.hold(session, recognized.identity)

    def share_identity(self, request: Request, other: Any) -> None:
        """Give the other request the same identity."""
        self._cache.set(other, self._recognize(request))

    def get_known_identity(self, request: Request) -> Identity | None:
        """The identity, if it has been loaded; for the log, which must not run queries."""
        recognized: Recognized = self._cache.get(request, NOBODY)
        return recognized.identity

    def authenticated_userid(self, request: Request) -> str | None:
        identity = self.identity(request)
        return None if identity is None else str(identity.id)

    def permits(self, request: Request, context: Any, permission: str) -> Any:
        return self._acl.permits(context, self.list_principals(request), permission)

    def list_principals(self, request: Request) -> list[str]:
        identity = self.identity(request)
        if identity is None:
            return [Everyone]
        principals = [Everyone, Authenticated, f"user:{identity.id}"]
        if identity.is_admin:
            principals.append(ADMINS)
        if identity.is_moderator:
            principals.append(MODERATORS)
        return principals

    # The room of accounts sets its cookies itself: they need more than a userid.
    def remember(self, request: Request, userid: str, **kw: Any) -> list[tuple[str, str]]:
        return []

    def forget(self, request: Request, **kw: Any) -> list[tuple[str, str]]:
        return []


def add_identity_loader(
    config: Any, name: str, loader: IdentityLoader, *, position: int = 0, hold: Hold | None = None
) -> None:
    """Directive: `loader(request)` returns the identity of the sender, or None when it knows none.

    Loaders are called in ascending `position`, until one returns an identity. Its write transactions begin
    with `hold(session, identity)`, which raises `StaleData` when the identity is no longer valid (a session
    has ended, a token was revoked). Without `hold`, nothing is verified.
    """

    def register() -> None:
        config.registry.security_policy.loaders[name] = (position, loader, hold)

    config.action(("identity loader", name), register)
