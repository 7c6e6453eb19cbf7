"""What a plugin with a schema offers: its state, and the steps forward. No schema stands here."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct


class Step(Struct, frozen=True):
    """One migration that is still to be applied; ``text`` is what would be executed."""

    name: str
    text: str


class SchemaState(Struct, frozen=True):
    """The revision that a database has (``None``: none yet), the one this version wants, and the steps between.

    A database that is ahead of this version has no steps and another revision than the wanted one.
    """

    have: str | None
    want: str
    steps: tuple[Step, ...]

    @property
    def current(self) -> bool:
        """Whether the schema is the one this version wants."""
        return self.have == self.want


class Migrations(Protocol):
    """The migrations of one target. Each is applied wholly or not at all, one process at a time."""

    async def state(self) -> SchemaState:
        """Return where the database stands; creates and changes nothing."""

    async def apply(self) -> SchemaState:
        """Apply all steps and return the state afterwards; ``MigrationLocked``, ``SchemaOutOfDate`` if ahead."""
