"""The data classes, and which kind accepts which. Declared and compared here; nothing is detected.

The table follows the classes' own meaning: what has to be sealed goes to a kind that seals. Memory and objects hold no
secrets and nothing that names a person as long as they are not sealed.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from unison_storage.errors import ClassificationViolation


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


_PLAIN: Final = frozenset((DataClass.CONTENT, DataClass.BEHAVIOURAL, DataClass.EPHEMERAL, DataClass.IDENTIFIER))

ACCEPTED: Final[Mapping[str, frozenset[DataClass]]] = {
    "memory": _PLAIN,
    "object": _PLAIN,
    "cache": _PLAIN,
    "graph": frozenset((DataClass.BEHAVIOURAL, DataClass.IDENTIFIER)),
    "vault": frozenset((DataClass.SECRET, DataClass.PII, DataClass.IDENTIFIER)),
    "audit": frozenset((DataClass.BEHAVIOURAL, DataClass.IDENTIFIER)),
}
"""Which classes a kind accepts; every other one is a ``ClassificationViolation``."""


def check_accepted(kind: str, data_class: DataClass, field: str) -> None:
    """Raise ``ClassificationViolation`` unless the kind accepts the class; ``field`` is what declares it."""
    if data_class in ACCEPTED[kind]:
        return
    takers = ", ".join(name for name, classes in ACCEPTED.items() if data_class in classes)
    raise ClassificationViolation(
        f"{field} is declared {data_class}, which {kind} does not accept; {takers} does",
        kind=kind,
        field=field,
        data_class=data_class,
        target=kind,
    )
