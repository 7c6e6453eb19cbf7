"""What a plugin with a schema offers: its state, and the steps forward. No schema stands here."""

from __future__ import annotations

from typing import Final, Protocol, runtime_checkable

from msgspec import Struct

from unison_storage.profiles import Profile

MARKED: Final = (Profile.PRODUCTION, Profile.STAGING)
"""Profiles whose databases are marked by ``migrate``, so that nothing that is meant for tests runs on them."""


class Step(Struct, frozen=True):
    """One migration that is still to be applied; ``text`` is what would be executed."""

    name: str
    text: str


class SchemaState(Struct, frozen=True):
    """The revision that a database has (``None``: none yet), the one this version wants, and the steps between.

    A database that is ahead of this version has no steps and another revision than the wanted one. ``profile`` is the
    one of ``MARKED`` that it was migrated in; ``None`` where there is no mark.
    """

    have: str | None
    want: str
    steps: tuple[Step, ...]
    profile: str | None = None

    @property
    def current(self) -> bool:
        """Whether the schema is the one this version wants."""
        return self.have == self.want

    def unmarked(self, profile: str) -> bool:
        """Whether ``apply`` in that profile would mark the database, or mark it otherwise."""
        return profile in MARKED and self.profile != profile


class Migrations(Protocol):
    """The migrations of one target. Each is applied wholly or not at all, one process at a time."""

    async def state(self) -> SchemaState:
        """Return where the database stands; creates and changes nothing."""

    async def apply(self) -> SchemaState:
        """Apply all steps and return the state afterwards; ``MigrationLocked``, ``SchemaOutOfDate`` if ahead.

        In a profile of ``MARKED`` the database is marked with it. No other profile takes a mark away.
        """


@runtime_checkable
class WithRoles(Protocol):
    """Migrations of a database that knows roles; others need not offer it."""

    def roles(self) -> str:
        """Return what the owner of the schema executes to make roles that own nothing."""
