"""Verifiers: which bearer tokens an application knows, by its settings. Principals stand in a module of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unison_storage.errors import GuardViolation, InvalidConfig
from unison_storage_gateway.principals import Verify, single_token
from unison_storage_gateway.tokens import TokensFile

if TYPE_CHECKING:
    from unison_storage.config import Settings


def verifier(settings: Settings) -> Verify:
    """Return the verifier that the settings describe.

    ``GuardViolation`` for an all-powerful token in production and staging, ``InvalidConfig`` where the settings name
    no token at all or the tokens file can't be used.
    """
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
        alternative = "" if settings.profile.strict else ", or UNISON_STORAGE_HTTP_TOKEN (development)"
        raise InvalidConfig(
            f"no token is known: set UNISON_STORAGE_HTTP_TOKENS_FILE{alternative}; "
            "unison-storage tokens new makes entries of the file"
        )
    return lambda given: next((found for found in (verify(given) for verify in sources) if found is not None), None)
