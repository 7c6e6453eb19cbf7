"""Profiles of the suite: how much is tried. Counts are fixed, never measured by the clock."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from unison_storage.errors import InvalidConfig


class Profile(Struct, frozen=True):
    """How many stories a machine plays and how long each is, and how many histories are judged.

    ``fixed`` plays the same ones in every run.

    Without ``shrink`` a story that fails is told as it was found, which takes less time.
    """

    name: str
    examples: int
    steps: int
    histories: int
    fixed: bool = True
    shrink: bool = True


PROFILES: Final = {
    "quick": Profile("quick", examples=20, steps=30, histories=50),
    "ci": Profile("ci", examples=100, steps=50, histories=300),
    "nightly": Profile("nightly", examples=500, steps=100, histories=3000, fixed=False),
}


def profile_named(name: str) -> Profile:
    """Return the profile of that name; ``InvalidConfig`` lists the names there are."""
    try:
        return PROFILES[name]
    except KeyError:
        raise InvalidConfig(f"the profile of the suite is one of {', '.join(PROFILES)}") from None
