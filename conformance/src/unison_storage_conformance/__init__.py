"""unison-storage-conformance: does a backend keep its word? Laws, machines, a report, and mutants that prove the suite.

TestMyBackend = suite("myscheme://localhost:1234/db", kinds=["memory", "cache"])
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unison_storage_conformance.harness import Harness as Harness
    from unison_storage_conformance.suites import suite as suite

__version__ = "0.1.0"

_NAMES = {"Harness": "unison_storage_conformance.harness", "suite": "unison_storage_conformance.suites"}

__all__ = ["Harness", "__version__", "suite"]


def __getattr__(name: str) -> Any:
    module = _NAMES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(module), name)
    globals()[name] = value
    return value
