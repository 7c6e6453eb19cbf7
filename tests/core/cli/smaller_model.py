"""A graph model that lacks what others have written."""

from __future__ import annotations

from unison_storage import GraphModel, Relationship

MODEL = GraphModel(labels=["Person"], relationships=[Relationship("OWNS")])
