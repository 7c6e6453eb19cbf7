"""The Cypher of the graph, read from its files. No parameter is put into a text; names of labels are, by a grammar.

A label that is a parameter makes the server look at every node, so each label has texts of its own:
https://neo4j.com/docs/cypher-manual/current/clauses/match/#dynamic-match
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

from msgspec import Struct

from unison_storage.errors import InvalidValue
from unison_storage.values import Direction

_NAME: Final = re.compile(r"[^\W\d_]\w{0,63}")
"""Neither a backtick nor a backslash, which Cypher reads inside of quotes too."""
_ARROWS: Final[dict[Direction, tuple[str, str]]] = {"out": ("-", "->"), "in": ("<-", "-"), "both": ("-", "-")}


class Statement(Struct, frozen=True):
    """One statement: its text, and whether it writes.

    ``patient`` is the text to send instead once it was rolled back for another statement: it does the same, and locks
    first what it will need.
    """

    text: str
    writes: bool = False
    patient: str | None = None


VERSION: Final = Statement(
    "CALL dbms.components() YIELD name, versions, edition WHERE name = 'Neo4j Kernel' "
    "RETURN versions[0] + ' ' + edition"
)
UNIQUE: Final = Statement(
    "SHOW CONSTRAINTS YIELD labelsOrTypes, properties WHERE properties = ['id'] RETURN collect(labelsOrTypes[0])"
)
"""The labels whose ids are unique: without that two callers at once make a node twice."""
NOW: Final = Statement("RETURN timestamp()")


@cache
def _read(name: str) -> str:
    return (files("unison_storage_neo4j") / "cypher" / f"{name}.cypher").read_text("utf-8")


@lru_cache(maxsize=1_024)
def labelled(name: str, label: str, *, writes: bool = False) -> Statement:
    """Return a statement about nodes of one label."""
    return Statement(_filled(name, label=_checked(label)), writes)


@lru_cache(maxsize=1_024)
def between(name: str, source: str, target: str, *, writes: bool = False) -> Statement:
    """Return a statement about edges from nodes of one label to those of another."""
    return Statement(_filled(name, source=_checked(source), target=_checked(target)), writes)


@lru_cache(maxsize=1_024)
def upserting(name: str, source: str, target: str) -> Statement:
    """Return a statement that makes or merges edges from nodes of one label to those of another."""
    plain = between(name, source, target, writes=True)
    return Statement(plain.text, writes=True, patient=between("edges_locked", source, target).text + plain.text)


@lru_cache(maxsize=1_024)
def beside(label: str, direction: Direction) -> Statement:
    """Return the statement that finds what is beside nodes of one label."""
    left, right = _ARROWS[direction]
    return Statement(_filled("neighbors", label=_checked(label), left=left, right=right))


@lru_cache(maxsize=1_024)
def walking(name: str, source: str, target: str, direction: Direction, depth: int) -> Statement:
    """Return a statement that walks from nodes of one label, to those of another where it says which, so many edges."""
    left, right = _ARROWS[direction]
    holes = {"label": _checked(source), "source": _checked(source), "target": _checked(target)}
    return Statement(_filled(name, **holes, left=left, right=right, depth=f"{depth:d}"))


@cache
def whole(name: str, *, writes: bool = False) -> Statement:
    """Return a statement that names no label."""
    return Statement(_read(name), writes)


def _filled(name: str, **holes: str) -> str:
    text = _read(name)
    for hole, filling in holes.items():
        text = text.replace(f"%{hole}%", filling)
    return text


def _checked(label: str) -> str:
    """Return a label that may stand in a text between backticks; what the model lets through does."""
    if _NAME.fullmatch(label) is None:
        raise InvalidValue("a label is a letter, then at most 63 letters, digits and _")
    return label
