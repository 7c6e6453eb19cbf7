"""Queries of trusted code, in Cypher: what they may do, and what their rows hold. The graph's own are ``statements``.

What a query does is told by the server, which is asked for its plan; no text is taken apart here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from neo4j import AsyncSession, ResultSummary
from neo4j.graph import Node, Path, Relationship
from neo4j.spatial import Point
from neo4j.time import Date, DateTime, Duration, Time

from unison_storage.errors import AccessDenied, TooLarge

_ADMINISTRATION: Final = ("Show", "Terminate", "Transaction")
"""How operators begin that tell of the server, or that commit by themselves."""


async def examine(session: AsyncSession, text: str, parameters: Mapping[str, Any]) -> None:
    """Raise ``AccessDenied`` where a query would do more than read and write the graph.

    The plan of a query does not depend on its parameters. ``LOAD CSV`` reads files and asks other servers, also where
    nothing may be written.
    """
    result = await session.run("EXPLAIN " + text, dict(parameters))
    summary: ResultSummary = await result.consume()
    if summary.query_type not in ("r", "w", "rw"):
        raise AccessDenied(
            "a query reads and writes the graph; schema and administration are for the server's own tools"
        )
    for operator, details in _operators(summary.plan or {}):
        if operator == "LoadCSV":
            raise AccessDenied("LOAD CSV is refused: read the file yourself, and pass its rows as a parameter")
        if operator.startswith(_ADMINISTRATION):
            raise AccessDenied("a query neither administers the server nor commits by itself")
        if operator == "ProcedureCall" and not details.startswith("db."):
            raise AccessDenied("a query calls no procedures but those whose names begin with db.")


async def rows_of(
    session: AsyncSession,
    text: str,
    parameters: Mapping[str, Any],
    *,
    timeout: float,  # noqa: ASYNC109 - the server ends the query, not this coroutine
    max_rows: int,
) -> list[dict[str, Any]]:
    """Run a query in a transaction of its own and return its rows; ``TooLarge`` leaves nothing behind."""
    async with await session.begin_transaction(timeout=timeout) as transaction:
        result = await transaction.run(text, dict(parameters))
        rows = [
            {name: plain(value) for name, value in dict(record).items()} for record in await result.fetch(max_rows + 1)
        ]
        if len(rows) > max_rows:
            raise TooLarge(f"the query has more than {max_rows} rows: let it return fewer, or raise max_rows")
        await result.consume()
        await transaction.commit()
    return rows


def plain(value: Any) -> Any:
    """Return a value that needs no driver: of nodes and edges the properties, of a path these in turn."""
    if isinstance(value, Path):
        value = list(_along(value))
    if isinstance(value, Node | Relationship | dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, list | Point):
        return [plain(one) for one in value]
    if isinstance(value, DateTime | Date | Time | Duration):
        return value.iso_format()
    return value


def _along(path: Path) -> Iterator[Node | Relationship]:
    for node, edge in zip(path.nodes, path.relationships, strict=False):
        yield node
        yield edge
    yield path.nodes[-1]


def _operators(plan: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    # the name of the database stands behind each operator's
    yield str(plan.get("operatorType", "")).partition("@")[0], str(plan.get("args", {}).get("Details", ""))
    for child in plan.get("children", ()):
        yield from _operators(child)
