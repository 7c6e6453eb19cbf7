"""Histories of objects as callers of the store meet them: contents are read whole, one or another, and never mixed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final, NamedTuple

from unison_storage.contracts.conditions import refused
from unison_storage.values import ABSENT, ANY
from unison_storage_conformance.law import law
from unison_storage_conformance.linearizability import PENDING, Call
from unison_storage_conformance.programs import CLIENTS, Act, Client, Trade
from unison_storage_conformance.store_ground import StoreGround
from unison_storage_conformance.trials import tried
from unison_storage_conformance.verdicts import Level

CHUNK: Final = 40_000


class Held(NamedTuple):
    """What is at a key: which content, under which version."""

    content: int
    version: str


class Asked(NamedTuple):
    """One call: at which key, with which content and expectation."""

    key: str
    content: int = 0
    expect: Any = ANY


def model(held: Held | None, call: Call) -> Sequence[Held | None]:
    """Return the states that a call may leave. Versions are the store's to mint, so they come from the answers."""
    answer = call.answer
    if call.operation == "get":
        return (held,) if answer in (PENDING, held and held.content) else ()
    if call.operation == "head":
        return (held,) if answer in (PENDING, held and held.version) else ()
    error = refused(call.given.expect, held.version if held else None)
    if error is not None:
        return (held,) if answer in (PENDING, type(error)) else ()
    if call.operation == "delete":
        return (None,) if answer in (PENDING, held is not None) else ()
    return (Held(call.given.content, "" if answer is PENDING else answer),) if not isinstance(answer, type) else ()


def _content(number: int) -> list[bytes]:
    """Return chunks that tell which content they are of: every third one is long."""
    return [bytes([number % 251]) * CHUNK] * (1 + number % 3)


def _which(content: bytes | None) -> int | None:
    """Return the number of a content that is whole; -1 for one that is not."""
    if content is None:
        return None
    number = content[0] if content else 0
    return number if content == b"".join(_content(number)) else -1


async def _source(number: int) -> AsyncIterator[bytes]:
    for chunk in _content(number):
        yield chunk


async def _get(client: Client, _: Act, keys: Sequence[str]) -> None:
    for key in keys:
        await client.single("get", Asked(key), client.ground.objects("h").get(key), _which)


async def _head(client: Client, _: Act, keys: Sequence[str]) -> None:
    for key in keys:
        info = await client.single(
            "head", Asked(key), client.ground.objects("h").head(key), lambda info: info and info.version
        )
        client.seen[key] = getattr(info, "version", None)


def _putting(expect: Any) -> Any:
    async def put(client: Client, act: Act, keys: Sequence[str]) -> None:
        for key in keys:
            expected = client.expected(key, expect)
            await client.single(
                "put",
                Asked(key, act.number, expected),
                client.ground.objects("h").put(key, _source(act.number), expect=expected),
                lambda info: info.version,
            )

    return put


async def _delete(client: Client, _: Act, keys: Sequence[str]) -> None:
    for key in keys:
        await client.single("delete", Asked(key), client.ground.objects("h").delete(key))


OBJECTS: Final = Trade(
    deeds={
        "get": (4, _get),
        "head": (2, _head),
        "put": (3, _putting(ANY)),
        "put where nothing is": (2, _putting(ABSENT)),
        "put over what was seen": (2, _putting(None)),
        "delete": (2, _delete),
    },
    start=None,
    model=model,
    key=lambda call: call.given.key,
    first=("put",),
    last=("get", "head"),
    places=lambda _: ["a", "b"],
)


@law("objects.9", face="store", level=Level.HISTORIES)
async def calls_of_several_callers_at_once(ground: StoreGround) -> None:
    await tried(OBJECTS, ground, [None] * CLIENTS)
