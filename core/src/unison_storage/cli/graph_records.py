"""Nodes, edges, paths and models as people read them. As documents they stand in ``graph_documents``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unison_storage.cli import records
from unison_storage.cli.output import as_json
from unison_storage.graph_model import Grammar, GraphModel, GraphProperty
from unison_storage.values import Edge, GraphStats, NodeRef, Path, moment

_MICROS = 1_000_000


def model_document(model: GraphModel) -> dict[str, Any]:
    """Return a model as JSON takes it; ``null`` for the ends of a relationship that may join any labels."""
    return {
        "labels": list(model.labels),
        "relationships": [
            {"type": one.type, "sources": one.sources, "targets": one.targets} for one in model.relationships.values()
        ],
        "properties": [
            {
                "name": one.name,
                "grammar": one.grammar,
                "many": one.many,
                "tags": list(one.tags),
                "data_class": one.declared,
            }
            for one in model.properties.values()
        ],
    }


def named(ref: NodeRef) -> str:
    """Return a node as it would be typed."""
    return records.words(ref)


def chain(path: Path) -> str:
    """Return a path as nodes with arrows between them, each in the direction of its edge."""
    parts = [named(path.nodes[0].ref)]
    for before, edge, node in zip(path.nodes, path.edges, path.nodes[1:], strict=False):
        parts += [arrow(edge, before.ref, node.ref), named(node.ref)]
    return " ".join(parts)


def arrow(edge: Edge, here: NodeRef, there: NodeRef) -> str:
    """Return an edge as an arrow from one of its ends to the other, or back."""
    name = records.words((edge.type,)) + (f"({records.words((edge.key,))})" if edge.key else "")
    return f"-{name}->" if (edge.source, edge.target) == (here, there) else f"<-{name}-"


def brief(properties: Mapping[str, Any]) -> str:
    """Return properties as one short line; nothing where there are none."""
    return records.brief(properties) if properties else ""


def property_facts(properties: Mapping[str, Any], model: GraphModel) -> list[tuple[str, str]]:
    """Return names and values; a time can be read as one."""
    return [(name, _text(value, model.properties.get(name))) for name, value in sorted(properties.items())]


def counted(stats: GraphStats) -> str:
    """Return how much there is, in words."""
    nodes, edges = sum(stats.nodes.values()), sum(stats.edges.values())
    return f"{records.count(nodes, 'node')} and {records.count(edges, 'edge')}"


def _text(value: Any, declared: GraphProperty | None) -> str:
    text = as_json(value)
    if declared is None or declared.grammar is not Grammar.TIME or type(value) not in (int, float):
        return text
    try:
        return f"{text} ({records.stamp_of(moment(round(value * _MICROS)))})"
    except (ValueError, OverflowError, OSError):  # another program wrote what is no time
        return text
