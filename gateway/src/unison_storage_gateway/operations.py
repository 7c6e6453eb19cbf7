"""What OpenAPI is told of each operation, by kind. What the operations do stands with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from unison_storage_gateway import operations_cache, operations_graph, operations_memory, operations_objects
from unison_storage_gateway.openapi import FLAG, NAMES, STRING, members, parameter, told

_KINDS: Final = {
    "memory": operations_memory.TOLD,
    "cache": operations_cache.TOLD,
    "object": operations_objects.TOLD,
    "graph": operations_graph.TOLD,
}
_REPORT: Final = members(
    ("person", "dry_run", "complete", "kinds"), person=STRING, dry_run=FLAG, complete=FLAG, kinds=members()
)

TOLD: Final[Mapping[tuple[str, str], Mapping[str, Any]]] = {
    **{(kind, name): one for kind, table in _KINDS.items() for name, one in table.items()},
    ("person", "erase"): told(
        "Erase a person",
        parameter("path", "address", "the person", required=True),
        parameter("query", "dry_run", "true only counts what there is", FLAG),
        answers={200: ("what is gone and what is left", _REPORT)},
    ),
    ("service", "health"): told(
        "Is the process alive", answers={200: ("it is", members(status=STRING))}, open_to_all=True
    ),
    ("service", "ready"): told(
        "Do all backends answer",
        answers={
            200: ("they do", members(ready=FLAG, failing=NAMES)),
            503: ("those that are named do not, or the service is stopping", members(ready=FLAG, failing=NAMES)),
        },
        open_to_all=True,
    ),
    ("service", "metrics"): told(
        "Metrics as Prometheus text",
        answers={200: ("the metrics", STRING)},
        answer_media=("text/plain",),
        refusals=(401, 403),
    ),
}
