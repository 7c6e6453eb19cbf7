"""Documents: reports of runs as they were written by ``--json``, read again, and what two of them say differently."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from unison_storage.errors import InvalidConfig
from unison_storage_conformance.verdicts import State, Verdict, totals

FORMAT: Final = 1
"""The version of the form that reports are written in."""

_GONE_WORSE: Final = (State.FAILED, State.UNVERIFIED, State.WAIVED, None)


class Tried(Struct, frozen=True):
    """What a report is of: the URL without its password, and who served it."""

    url: str
    backend: str
    version: str
    server: str


class Document(Struct, frozen=True, kw_only=True):
    """One report. ``at`` is UTC in ISO 8601; ``laws`` are in the order in which they were tried."""

    format: int
    suite: str
    target: Tried
    profile: str
    seed: int
    at: str
    laws: list[Verdict]
    harness_faults: list[str] = []
    waiver_faults: list[str] = []
    leftovers: list[str] = []

    @property
    def name(self) -> str:
        """What tells a reader which one it is."""
        return f"{self.target.backend} {self.target.version}".rstrip()

    @property
    def kinds(self) -> frozenset[str]:
        """Which kinds were tried."""
        return frozenset(one.kind for one in self.laws)

    @property
    def totals(self) -> dict[str, int]:
        """How many checks came to each state."""
        return totals(self.laws)


class Difference(Struct, frozen=True):
    """A check that two reports do not say the same of; ``None`` where one of them did not try it."""

    first: Verdict | None
    second: Verdict | None

    @property
    def either(self) -> Verdict:
        """One of both, to tell what was tried."""
        found = self.first or self.second
        assert found is not None  # noqa: S101 - one of them is there, or there is no difference
        return found

    @property
    def states(self) -> tuple[State | None, State | None]:
        """What it came to in both."""
        return None if self.first is None else self.first.state, None if self.second is None else self.second.state

    @property
    def worse(self) -> bool:
        """Whether it was kept in the first, and in the second it is not, or nobody knows."""
        before, after = self.states
        return before is State.PASSED and after in _GONE_WORSE


def read_document(path: Path) -> Document:
    """Return a report that was written by ``--json``; ``InvalidConfig`` names the file where it is none."""
    try:
        document = msgspec.json.decode(path.read_bytes(), type=Document)
    except OSError as error:
        raise InvalidConfig(f"{path} can't be read: {error.strerror}") from None
    except msgspec.DecodeError as error:
        raise InvalidConfig(
            f"{path} is no report of this suite ({error}); write one with conformance run URL --json > FILE"
        ) from None
    if document.format != FORMAT:
        raise InvalidConfig(f"{path} is of format {document.format}, and this suite reads {FORMAT}")
    return document


def differences(first: Document, second: Document) -> Sequence[Difference]:
    """Return the checks that come to another state in the second report, or stand in one alone, in their order.

    Kinds that only one of them has tried are left out: ``alone`` names them.
    """
    shared = first.kinds & second.kinds
    one, other = ({check.id: check for check in each.laws if check.kind in shared} for each in (first, second))
    found = (Difference(one.get(id), other.get(id)) for id in dict.fromkeys([*one, *other]))
    return [each for each in found if each.states[0] is not each.states[1]]


def alone(first: Document, second: Document) -> Sequence[str]:
    """Return the kinds that the first report has tried, and the second has not."""
    return sorted(first.kinds - second.kinds)
