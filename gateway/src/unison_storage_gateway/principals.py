"""Principals: who a bearer token stands for. What a principal may do with it is decided in ``authorization``."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from hashlib import sha256
from typing import Final

from msgspec import Struct

KINDS: Final = ("memory", "cache", "object", "graph", "vault", "audit")
PERMISSIONS: Final = frozenset(
    (
        *("memory:read", "memory:write", "cache:read", "cache:write", "object:read", "object:write"),
        *("graph:read", "graph:write", "vault:list", "vault:reveal", "vault:write", "vault:destroy"),
        *("audit:append", "audit:read", "metrics:read", "erase"),
    )
)
"""Every permission there is; ``kind:*`` stands for all of one kind."""


class Principal(Struct, frozen=True):
    """Who asks: a name for logs and audit, whose data it may touch (``None``: anybody's), and what it may do."""

    name: str
    persons: frozenset[str] | None
    permissions: frozenset[str]

    def may(self, permission: str) -> bool:
        """Return whether the permission was given, by itself or by the wildcard of its kind."""
        return permission in self.permissions or f"{permission.partition(':')[0]}:*" in self.permissions


Verify = Callable[[str], Principal | None]
"""Returns the principal of a bearer token, or ``None`` for a token that is unknown or has expired."""


def digest(token: str) -> str:
    """Return the SHA-256 of a token in hex, as the tokens file holds it."""
    return sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def single_token(token: str, name: str = "token") -> Verify:
    """Return the verifier of one token that may do everything, for development and for tests."""
    wanted = digest(token)
    principal = Principal(name, None, PERMISSIONS)

    def verify(given: str) -> Principal | None:
        return principal if hmac.compare_digest(digest(given), wanted) else None

    return verify
