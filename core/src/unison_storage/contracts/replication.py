"""Replication: how far a side has come. Which reads may go where stands in the layer ``replica``."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class Replicated(Protocol):
    """Backends whose servers have replicas; others need not offer it."""

    async def position(self) -> int:
        """Return how far the server has come, as a number that grows.

        A primary answers what comes no later than anything that it has acknowledged; a replica that answers as much or
        more has all of that.
        """
