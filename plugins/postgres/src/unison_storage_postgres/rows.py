"""What statements about rows of memory and of objects are given alike, and their deletes. No SQL stands here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from unison_storage.addresses import Address, first_segment
from unison_storage.contracts.conditions import refused
from unison_storage.contracts.memory import Delete
from unison_storage.errors import RequestError
from unison_storage.values import ANY, Expectation
from unison_storage_postgres.pool import Run
from unison_storage_postgres.statements import Statement


class Versioned(Protocol):
    """A row of either."""

    @property
    def version(self) -> str:
        """The version that is stored."""


def segments(addresses: Sequence[Address]) -> list[str]:
    """Return the first segment of each address."""
    return [first_segment(address) for address in addresses]


def version(expect: Expectation) -> str | None:
    """Return the version that is expected; ``None`` where any is."""
    return expect if isinstance(expect, str) else None


async def deleted(run: Run, statement: Statement, deletes: Sequence[Delete]) -> dict[Address, bool]:
    """Delete rows of different addresses, and return of those that were let through whether they were visible."""
    addresses = [delete.address for delete in deletes]
    answers = {delete.address: False for delete in deletes if delete.expect is ANY}
    answers.update(
        await run(statement, (addresses, segments(addresses), [version(delete.expect) for delete in deletes]))
    )
    return answers


def refusal_of_delete(delete: Delete, row: Versioned | None) -> RequestError | None:
    """Return why a row can't be deleted as it is; ``None`` where it can."""
    return refused(delete.expect, row.version if row else None)
