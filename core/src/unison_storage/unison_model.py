"""The graph model of UnisonOS, in force where no other is named. How it is checked stands in ``graph_model``."""

from __future__ import annotations

from typing import Final

from unison_storage.graph_model import Grammar, GraphModel, GraphProperty, Relationship

UNISON_MODEL: Final = GraphModel(
    labels=(
        *("Person", "Device", "Agent", "Service", "Skill"),
        *("Resource", "Workspace", "Session", "IntentInstance", "PolicyGroup"),
    ),
    # the services that write them agree on no ends, so any label may meet any
    relationships=[
        Relationship(type)
        for type in (
            *("OWNS", "MEMBER_OF", "HAS_RESOURCE", "HANDLES", "PRODUCED", "ON_DEVICE"),
            *("FOR_PERSON", "ABOUT", "ALLOWED_BY", "REQUESTED_BY", "TRIGGERED"),
        )
    ],
    properties=[
        *(
            GraphProperty(name, Grammar.ID)
            for name in ("person_id", "resource_id", "agent_id", "intent_id", "storage_id")
        ),
        *(
            GraphProperty(name, Grammar.TIME)
            for name in ("created_at", "updated_at", "occurred_at", "expires_at", "last_seen")
        ),
        *(GraphProperty(name, Grammar.TAG) for name in ("type", "status", "outcome", "role")),
        GraphProperty("tags", Grammar.TAG, many=True),
        *(GraphProperty(name, Grammar.SCORE) for name in ("confidence", "score")),
    ],
)
