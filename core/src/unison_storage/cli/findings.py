"""Findings of guard rails as they are told: what serves several kinds breaks a rule for each, and is mended once."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from unison_storage.guards import Finding


class Broken(Struct, frozen=True):
    """One rule that one setting breaks, with the kinds that it is broken for."""

    finding: Finding
    kinds: tuple[str, ...]
    message: str


def gathered(found: Iterable[Finding]) -> list[Broken]:
    """Return the findings in their order, those that differ in their kind alone as one."""
    made: dict[tuple[str, str, str], Broken] = {}
    for one in found:
        # the message begins with setting and kind, which are told apart from it
        message = one.message.removeprefix(f"{one.setting} ({one.kind}): ")
        alike = one.rule, one.setting, message
        before = made[alike].kinds if alike in made else ()
        made[alike] = Broken(one, (*before, one.kind), message)
    return list(made.values())
