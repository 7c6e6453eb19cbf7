"""Broken ways to reach a server, as a mutant of each contract. What each breaks stands where it is registered."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from unison_storage_conformance.law import PART_OF
from unison_storage_conformance.mutant import mutant
from unison_storage_conformance.served.remote import REMOTES, Link
from unison_storage_conformance.served.server import Server
from unison_storage_conformance.verdicts import Level


def linked(law: str, sentence: str, links: type[Link], level: Level, on: Iterable[str] = PART_OF) -> None:
    """Register a broken way to reach the server as a mutant of contracts."""
    for contract in on:
        made: Any = type(f"{links.__name__}{contract.title()}", (REMOTES[PART_OF[contract]],), {"links": links})
        mutant(law, f"{contract}: {sentence}", on=contract, server=Server, level=level)(made)
