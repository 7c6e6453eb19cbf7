"""How a layer is made: a backend of the same contract, in which some methods are replaced.

What is not replaced is the inner backend's own method, so an untouched method costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar, cast

from unison_storage.contracts.backend import Backend
from unison_storage.contracts.operations import LIFECYCLE, READS, WRITES, contract_of

B = TypeVar("B", bound=Backend)

_DECLARED = ("name", "durability", "production_ready", "capabilities", "consistency", "batching", "limits")


def layered(inner: B, replaced: Mapping[str, Callable[..., Any]]) -> B:
    """Return a backend that answers by ``replaced`` where it can, and by ``inner`` elsewhere."""
    contract = contract_of(inner)
    layer = _shell(contract)()
    own = layer.__dict__
    for name in (*READS[contract], *WRITES[contract], *LIFECYCLE, *_DECLARED):
        own[name] = getattr(inner, name)
    own.update(replaced)
    return cast("B", layer)


@cache
def _shell(contract: type[Backend]) -> type[Backend]:
    shell = type(f"Layered{contract.__name__}", (contract,), {})
    # every abstract method is given to the instance by ``layered``, so the class itself need not define them
    shell.__abstractmethods__ = frozenset()  # type: ignore[attr-defined]
    return shell
