"""Arguments: what was typed, as what a store takes. Grammar and bounds are the store's business."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal

import typer
from msgspec import Struct

from unison_storage.stores.arguments import GivenLifetime
from unison_storage.values import ABSENT, ANY, KEEP, MISSING, PRESENT, Expectation, Missing

_UNITS: Final = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0, "w": 604_800.0}
_LENGTH: Final = re.compile(r"(\d+(?:\.\d+)?)([smhdw]?)")
_EXPECTATIONS: Final = {"any": ANY, "absent": ABSENT, "present": PRESENT}


class Place(Struct, frozen=True):
    """A keyspace, a namespace in it and, where one is meant, a key."""

    keyspace: str
    namespace: tuple[str, ...]
    key: str = ""


def address(words: Sequence[str], option: str = "KEYSPACE [SEGMENT]... KEY") -> Place:
    """Return the place that the words name; the last one is the key."""
    if len(words) < 2:
        raise typer.BadParameter("a keyspace and a key are needed, segments may stand between", param_hint=option)
    return Place(words[0], tuple(words[1:-1]), words[-1])


def below(words: Sequence[str]) -> Place:
    """Return the namespace that the words name."""
    return Place(words[0], tuple(words[1:]))


def seconds(text: str, option: str) -> float:
    """Return a length of time in seconds: a number alone, or with s, m, h, d or w."""
    found = _LENGTH.fullmatch(text)
    if found is None:
        raise typer.BadParameter("a time is a number of seconds, or as in 15m, 12h, 7d", param_hint=option)
    return float(found[1]) * _UNITS[found[2]]


def lifetime(text: str | None, option: str = "--lifetime") -> float | None:
    """Return a lifetime that has to be given; ``none`` for ever."""
    return None if text is None or text == "none" else seconds(text, option)


def length(text: str | None) -> float | Literal[Missing.MISSING]:
    """Return a lifetime that may be left out, where nothing lives for ever."""
    return MISSING if text is None else seconds(text, "--lifetime")


def given_lifetime(text: str | None) -> GivenLifetime:
    """Return a lifetime that may be left out, for a put: ``keep`` leaves the expiry as it is."""
    if text is None:
        return MISSING
    return KEEP if text == "keep" else lifetime(text)


def expectation(text: str | None) -> Expectation:
    """Return what a write expects to find."""
    return ANY if text is None else _EXPECTATIONS.get(text, text)
