"""Laws: numbered sentences in the docstrings of contracts, and the checks that try them. What a check does is its own.

@law("memory.4")
async def an_overwrite_replaces_the_expiry(ground: Ground[MemoryBackend]) -> None: ...
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import cache
from importlib import import_module
from typing import Any, Final, TypeVar

from msgspec import Struct

from unison_storage import hookspecs
from unison_storage.capabilities import Capability
from unison_storage.contracts.backend import Backend
from unison_storage.contracts.cache import CacheBackend
from unison_storage.contracts.graph import GraphBackend
from unison_storage.contracts.memory import MemoryBackend
from unison_storage.contracts.objects import Blobs, ObjectIndex
from unison_storage.layers import coalesce
from unison_storage.stores.objects import ObjectStore
from unison_storage_conformance.verdicts import Level

CONTRACTS: Final[Mapping[str, Any]] = {
    "plugin": hookspecs,
    "backend": Backend,
    "memory": MemoryBackend,
    "blobs": Blobs,
    "index": ObjectIndex,
    "objects": ObjectStore,
    "graph": GraphBackend,
    "cache": CacheBackend,
    "coalescer": coalesce,
}
"""Where the sentences of each contract stand, in the order of the report."""

PART_OF: Final[Mapping[str, str]] = {
    "memory": "memory",
    "blobs": "object",
    "index": "object_index",
    "graph": "graph",
    "cache": "cache",
}
"""Which part of a target each contract is tried on."""

OVER: Final[Mapping[str, str]] = {"objects": "object", "coalescer": "memory"}
"""What core makes of parts, a store and a layer, and the part that each is tried on."""

CONTRACT_OF: Final[Mapping[str, str]] = {part: contract for contract, part in PART_OF.items()}
"""Which contract each part of a target fulfils."""

KIND_OF: Final[Mapping[str, str]] = {
    "memory": "memory",
    "graph": "graph",
    "cache": "cache",
    "blobs": "object",
    "index": "object",
    "objects": "object",
    "coalescer": "memory",
}

_SENTENCE: Final = re.compile(r"^ *(?P<law>[a-z]+\.\d+) +(?P<text>\S.*(?:\n {6,}\S.*)*)", re.MULTILINE)
_MODULES: Final = ("laws", "machines", "histories", "faults", "crashes", "secrecy", "resources")

Call = Callable[[Any], Any]
F = TypeVar("F", bound=Callable[..., Any])


class Need(StrEnum):
    """What a target must have for a check to be one of its own."""

    WIRE = "wire"
    """a server to which there is a wire"""
    DURABLE = "durable"
    """a backend that says that what was acknowledged survives its server"""
    MIGRATIONS = "migrations"
    """a schema"""


class Check(Struct, frozen=True):
    """One way to try a law on one contract. ``capability`` is the one that it is about."""

    law: str
    name: str
    contract: str
    level: Level
    call: Call
    capability: Capability | None = None
    face: str = "backend"
    needs: frozenset[Need] = frozenset()
    """What a target must have for the law to say anything about it."""

    @property
    def kind(self) -> str:
        """The kind whose column of the report it stands in."""
        return KIND_OF.get(self.contract, self.contract)

    @property
    def id(self) -> str:
        """What tells it apart from all others of a kind."""
        return f"{self.law}:{self.name}" if self.contract in self.law else f"{self.law}:{self.name}:{self.contract}"


def part_of(contract: str) -> str:
    """Return the part that a contract, or a layer, is tried on."""
    return PART_OF.get(contract) or OVER[contract]


_checks: list[Check] = []


def law(
    number: str,
    *,
    on: Sequence[str] = (),
    capability: Capability | None = None,
    face: str = "backend",
    level: Level = Level.LAWS,
    needs: Sequence[Need] = (),
) -> Callable[[F], F]:
    """Register a check of a law. ``on`` names the contracts of a law of all backends; by default all five.

    ``face`` is ``store`` for what is tried on a handle of a store instead of a backend. ``needs`` is what a target must
    have for it; all of level faults needs a wire.
    """
    own = number.partition(".")[0]
    contracts = tuple(on) or (tuple(PART_OF) if own == "backend" else (own,))
    level = Level.PLUGIN if own == "plugin" else level

    def register(call: F) -> F:
        needed = frozenset((*needs, *((Need.WIRE,) if level is Level.FAULTS else ())))
        _checks.extend(
            Check(number, call.__name__, contract, level, call, capability, face, needed) for contract in contracts
        )
        return call

    return register


def machine(number: str) -> Callable[[F], F]:
    """Register a state machine as the check of a law: a class that takes the ground of a run."""

    def register(made: F) -> F:
        _checks.append(Check(number, made.__name__, number.partition(".")[0], Level.MACHINE, made))
        return made

    return register


def checks(kinds: Sequence[str] | None = None) -> list[Check]:
    """Return every check there is, of those kinds; in the order of contracts, laws and registration."""
    for package in _MODULES:
        import_module(f"unison_storage_conformance.{package}")
    order = list(CONTRACTS)
    found = [check for check in _checks if kinds is None or check.kind in kinds or check.contract == "plugin"]
    return sorted(found, key=lambda one: (one.contract != "plugin", order.index(one.contract), *_number(one.law)))


def _number(law: str) -> tuple[int, int]:
    contract, _, number = law.partition(".")
    return list(CONTRACTS).index(contract), int(number)


@cache
def sentences() -> Mapping[str, str]:
    """Return every law that a contract states, by its number, in order."""
    found: dict[str, str] = {}
    for stated in CONTRACTS.values():
        for match in _SENTENCE.finditer(inspect.getdoc(stated) or ""):
            found[match["law"]] = " ".join(match["text"].split())
    return found
