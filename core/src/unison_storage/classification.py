"""The data classes: what sort of data a keyspace or a field holds. No detection here, only declaration."""

from __future__ import annotations

from enum import StrEnum


class DataClass(StrEnum):
    """What sort of data it is; a kind accepts some classes and refuses the others."""

    SECRET = "secret"  # noqa: S105 - the name of a class
    """passwords, tokens, keys: the vault only"""
    PII = "pii"
    """what names or describes a person"""
    CONTENT = "content"
    """what people write, say and upload"""
    BEHAVIOURAL = "behavioural"
    """what people did and when"""
    EPHEMERAL = "ephemeral"
    """working state that nobody misses after its lifetime"""
    IDENTIFIER = "identifier"
    """opaque ids"""
