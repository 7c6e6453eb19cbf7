"""Arguments that calls of several stores share, checked once: expectations and lifetimes."""

from __future__ import annotations

import re
from typing import Final, Literal

from unison_storage.errors import InvalidLifetime, InvalidValue
from unison_storage.stores.border import Route
from unison_storage.values import KEEP, MISSING, Expect, Expectation, Keep, Missing

_VERSION: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_NEVER_MINTED: Final = "-"

GivenLifetime = float | None | Literal[Keep.KEEP, Missing.MISSING]


def expectation(expect: Expectation) -> Expectation:
    """Return what a backend may rely on; ``InvalidValue`` unless ANY, ABSENT, PRESENT or a version.

    A string that no store ever minted becomes a version that matches nothing, whatever it holds.
    """
    if isinstance(expect, Expect):
        return expect
    if type(expect) is not str:
        raise InvalidValue(f"expect is ANY, ABSENT, PRESENT or a version, not {type(expect).__name__}")
    return expect if _VERSION.fullmatch(expect) else _NEVER_MINTED


def version_or_any(expect: Expectation) -> Expectation:
    """Return the expectation of a delete: ANY or a version."""
    if expect in (Expect.ABSENT, Expect.PRESENT):
        raise InvalidValue("a delete expects ANY or a version")
    return expectation(expect)


def lifetime_of(route: Route, lifetime: GivenLifetime) -> int | None:
    """Return microseconds, the keyspace's default where omitted; ``InvalidLifetime`` for KEEP and out of bounds."""
    if lifetime is MISSING:
        return route.default
    if lifetime is KEEP:
        raise InvalidLifetime("KEEP has no meaning here; give seconds")
    return route.keyspace.bounded(lifetime)
