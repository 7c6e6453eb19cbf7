"""The profiles: where a storage runs, and so how much it forgives. What each forbids stands in ``guards``."""

from __future__ import annotations

from enum import StrEnum

from unison_storage.errors import InvalidConfig


class Profile(StrEnum):
    """Where a storage runs. Production is the default; the others are asked for."""

    PRODUCTION = "production"
    STAGING = "staging"
    TEST = "test"
    DEVELOPMENT = "development"

    @property
    def strict(self) -> bool:
        """Whether keyspaces must be declared and the schema must be current before opening."""
        return self in (Profile.PRODUCTION, Profile.STAGING)


def profile_named(name: str) -> Profile:
    """Return the profile of that name; ``InvalidConfig`` lists the names there are."""
    try:
        return Profile(name)
    except ValueError:
        names = ", ".join(Profile)
        raise InvalidConfig(f"UNISON_STORAGE_PROFILE must be one of {names}") from None
