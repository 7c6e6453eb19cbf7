"""Waivers: laws that are known to be broken, why, and until when. One that is not needed is a fault, like an old one.

# conformance.toml
[[waiver]]
law = "memory.9"
reason = "engine"                  # engine, bug or environment
link = "https://example.org/issue/1"
expires = 2027-01-31
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from unison_storage.errors import InvalidConfig
from unison_storage_conformance.law import sentences
from unison_storage_conformance.verdicts import State, Verdict

FILE: Final = Path("conformance.toml")
"""Where waivers stand unless another file is named."""


class Waiver(Struct, frozen=True, forbid_unknown_fields=True):
    """One law that may fail until a day. ``check`` and ``kind`` narrow it down to one check, or one kind."""

    law: str
    reason: Literal["engine", "bug", "environment"]
    link: str
    expires: date
    check: str | None = None
    kind: str | None = None

    def covers(self, verdict: Verdict) -> bool:
        """Return whether it speaks of that check."""
        return verdict.law == self.law and self.check in (None, verdict.check) and self.kind in (None, verdict.kind)


class _File(Struct, forbid_unknown_fields=True):
    waiver: list[Waiver] = []


def read_waivers(path: Path) -> list[Waiver]:
    """Return the waivers of a file; ``InvalidConfig`` names the file and what is wrong in it."""
    try:
        content: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
        waivers = msgspec.convert(content, _File).waiver
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidConfig(f"{path} can't be read: {type(error).__name__}") from None
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise InvalidConfig(f"{path}: {error}") from None
    for waiver in waivers:
        if waiver.law not in sentences():
            raise InvalidConfig(f"{path}: there is no law {waiver.law}")
    return waivers


def today() -> date:
    """Return the day that decides: a waiver ends where its author lives."""
    return date.today()  # noqa: DTZ011 - see above


def waived(verdicts: Sequence[Verdict], waivers: Sequence[Waiver], today: date) -> tuple[list[Verdict], list[str]]:
    """Return the verdicts with known failures waived, and what is wrong with the waivers themselves."""
    faults = [
        f"the waiver of {one.law} has expired on {one.expires}: {one.link}" for one in waivers if one.expires < today
    ]
    valid = [one for one in waivers if one.expires >= today]
    for waiver in valid:
        covered = [verdict for verdict in verdicts if waiver.covers(verdict)]
        if not any(verdict.state is State.FAILED for verdict in covered):
            faults.append(f"the waiver of {waiver.law} is not needed: the law holds, or was not tried; remove it")
    return [_waived(verdict, valid) for verdict in verdicts], faults


def _waived(verdict: Verdict, waivers: Sequence[Waiver]) -> Verdict:
    if verdict.state is not State.FAILED:
        return verdict
    for waiver in waivers:
        if waiver.covers(verdict):
            reason = f"{waiver.reason}, until {waiver.expires}: {waiver.link}"
            return replace(verdict, state=State.WAIVED, reason=reason)
    return verdict
