"""Principals: who a bearer token stands for. What a principal may do with it is decided in ``authorization``."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

from unison_storage.errors import GuardViolation, InvalidConfig

if TYPE_CHECKING:
    from unison_storage.config import Settings

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


def verifier(settings: Settings) -> Verify:
    """Return the verifier that the settings describe.

    ``GuardViolation`` for an all-powerful token in production and staging, ``InvalidConfig`` where the settings name
    no token at all or the tokens file can't be used.
    """
    from unison_storage_gateway.tokens import TokensFile

    token = settings.http_token.get_secret_value() if settings.http_token is not None else ""
    sources: list[Verify] = []
    if token:
        if settings.profile.strict:
            remedy = "set UNISON_STORAGE_HTTP_TOKENS_FILE instead; unison-storage tokens new makes its entries"
            raise GuardViolation(
                f"profile {settings.profile} refuses this: UNISON_STORAGE_HTTP_TOKEN may do everything; {remedy}",
                rule="all-powerful-token",
                remedy=remedy,
            )
        sources.append(single_token(token, "development"))
    if settings.http_tokens_file is not None:
        sources.append(TokensFile(settings.http_tokens_file, strict=settings.profile.strict).verify)
    if not sources:
        kind: Literal["", " (development)"] = "" if settings.profile.strict else " (development)"
        alternative = "" if settings.profile.strict else f", or UNISON_STORAGE_HTTP_TOKEN{kind}"
        raise InvalidConfig(
            f"no token is known: set UNISON_STORAGE_HTTP_TOKENS_FILE{alternative}; "
            "unison-storage tokens new makes entries of the file"
        )
    return lambda given: next((found for found in (verify(given) for verify in sources) if found is not None), None)
