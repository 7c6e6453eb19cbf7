"""Read-only: writes are refused before they reach the backend; reads are the backend's own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from unison_storage.contracts.backend import Backend
from unison_storage.contracts.operations import WRITES, contract_of, touches
from unison_storage.errors import AccessDenied
from unison_storage.layers.passing import layered

B = TypeVar("B", bound=Backend)


def readonly(inner: B) -> B:
    """Return the backend without its writes; they raise ``AccessDenied``."""
    contract = contract_of(inner)
    replaced: dict[str, Callable[..., Any]] = dict.fromkeys(WRITES[contract], _refuse)
    get_many = getattr(inner, "get_many", None)
    if get_many is not None:
        replaced["get_many"] = _untouching(get_many)
    return layered(inner, replaced)


async def _refuse(*_arguments: Any, **_named: Any) -> Any:
    raise AccessDenied("this storage is read-only")


def _untouching(get_many: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    def read(*arguments: Any, **named: Any) -> Awaitable[Any]:
        return _refuse() if touches(arguments, named) else get_many(*arguments, **named)

    return read
