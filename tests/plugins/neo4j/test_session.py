"""What is deleted while it is read is asked for anew, and not for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from unison_storage.errors import TransactionConflict
from unison_storage_neo4j.session import settled
from unison_storage_neo4j.statements import Statement


@pytest.mark.parametrize("looks", [1, 2, 5])
def test_it_is_asked_until_it_rests(looks: int) -> None:
    asked = 0

    async def run(_statement: Statement, _parameters: Mapping[str, Any]) -> Any:
        nonlocal asked
        asked += 1
        return [f"look {asked}"], asked == looks

    assert asyncio.run(settled(run, Statement("RETURN 1"), {})) == [f"look {looks}"]
    assert asked == looks


def test_what_never_rests_is_told_and_not_answered_in_part() -> None:
    async def run(_statement: Statement, _parameters: Mapping[str, Any]) -> Any:
        return ["a part"], False

    with pytest.raises(TransactionConflict) as raised:
        asyncio.run(settled(run, Statement("RETURN 1"), {}))
    assert raised.value.retryable
    assert not raised.value.outcome_unknown
