"""Frames: calls and answers as bytes on a connection. What is called stands in ``server`` and ``remote``.

A frame is its length in four bytes and then JSON in the notation of counterexamples.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

from unison_storage_conformance.notation import read, written

LENGTH: Final = 4
LARGEST: Final = 64 * 1024 * 1024


def packed(*parts: Any) -> bytes:
    """Return a frame."""
    body = json.dumps([written(part) for part in parts]).encode()
    return len(body).to_bytes(LENGTH, "big") + body


async def receive(reader: asyncio.StreamReader) -> list[Any] | None:
    """Return the parts of the next frame; ``None`` where the other side has closed between two frames.

    Raises ``asyncio.IncompleteReadError`` where it closed within one.
    """
    head = await reader.read(1)
    if not head:
        return None
    size = int.from_bytes(head + await reader.readexactly(LENGTH - 1), "big")
    if size > LARGEST:
        raise ValueError("the frame is longer than any that we send")
    parts: list[Any] = read(json.loads(await reader.readexactly(size)))
    return parts
