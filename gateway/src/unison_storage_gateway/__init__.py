"""The HTTP service in front of unison-storage, and routes that embed it in a FastAPI application.

Every public name is resolved on first use, so that importing the package loads no web framework.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unison_storage_gateway.app import create_app as create_app
    from unison_storage_gateway.authorization import authorize as authorize
    from unison_storage_gateway.embedding import get_storage as get_storage
    from unison_storage_gateway.embedding import include_storage_routes as include_storage_routes
    from unison_storage_gateway.embedding import lifespan as lifespan
    from unison_storage_gateway.principals import Principal as Principal
    from unison_storage_gateway.principals import Verify as Verify
    from unison_storage_gateway.principals import single_token as single_token
    from unison_storage_gateway.tokens import TokensFile as TokensFile
    from unison_storage_gateway.verifiers import verifier as verifier

_WHERE = {
    "unison_storage_gateway.app": ("create_app",),
    "unison_storage_gateway.authorization": ("authorize",),
    "unison_storage_gateway.embedding": ("get_storage", "include_storage_routes", "lifespan"),
    "unison_storage_gateway.principals": ("Principal", "Verify", "single_token"),
    "unison_storage_gateway.tokens": ("TokensFile",),
    "unison_storage_gateway.verifiers": ("verifier",),
}
_NAMES = {name: module for module, names in _WHERE.items() for name in names}

__all__ = [*_NAMES]  # noqa: PLE0604 - built from the table, which a test compares with the modules


def __getattr__(name: str) -> Any:
    module = _NAMES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
