"""How much a graph holds, counted now and then for gauges: counting at each change would cost more than the change."""

from __future__ import annotations

from typing import Final

from unison_storage.clock import Clock
from unison_storage.stores.border import Border
from unison_storage.stores.graph import KIND, Graph
from unison_storage.values import GraphStats

AGE: Final = 60.0
"""Seconds that a count is good for."""


class GraphCounts:
    """The gauges of one graph: nodes and edges of all its spaces."""

    def __init__(self, border: Border, graph: Graph, backend: str, clock: Clock) -> None:
        self._graph = graph
        self._clock = clock
        self._stats = GraphStats({}, {})
        self._counted: float | None = None
        border.telemetry.gauge("graph_nodes", KIND, backend, lambda: float(sum(self._stats.nodes.values())))
        border.telemetry.gauge("graph_edges", KIND, backend, lambda: float(sum(self._stats.edges.values())))

    async def refresh(self) -> None:
        """Count anew what was counted more than a minute ago; raises as ``Graph.stats``."""
        now = self._clock.monotonic()
        if self._counted is None or now - self._counted >= AGE:
            self._counted = now  # first, so that who comes meanwhile, or after a failure, does not count too
            self._stats = await self._graph.total()
