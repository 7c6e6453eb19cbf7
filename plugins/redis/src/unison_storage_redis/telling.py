"""What a server tells of itself, for whoever looks after it: version, eviction, persistence, user and encryption."""

from __future__ import annotations

from typing import Any

from unison_storage.errors import AccessDenied, StorageError
from unison_storage_redis.node import Node


async def information(node: Node, *sections: str) -> dict[str, str]:
    """Return what INFO tells of sections; raises the server's refusal."""
    answers = await node.many((), [("INFO", section) for section in sections], writes=False)
    found: dict[str, str] = {}
    for answer in answers:
        if isinstance(answer, StorageError):
            raise answer
        lines = (answer.decode() if isinstance(answer, bytes) else answer).splitlines()
        found |= dict(line.split(":", 1) for line in lines if ":" in line)
    return found


async def told_by(node: Node) -> str:
    """Return one line about a server. What the user may not ask is left out; that the server answers is shown."""
    asked = [("PING",), ("ACL", "WHOAMI"), ("CONFIG", "GET", "save")]
    pinged, user, save = await node.many((), asked, writes=False)
    if isinstance(pinged, StorageError):
        raise pinged
    parts: list[str] = []
    try:
        found = await information(node, "server", "memory", "persistence")
    except AccessDenied:
        parts.append("it tells nothing of itself, since the user may not ask INFO")
    else:
        policy = found.get("maxmemory_policy", "unknown")
        parts += [_version(found), f"maxmemory-policy {policy}", _persistence(found, save)]
    if not isinstance(user, StorageError):
        parts.append(f"user {_text(user)}")
    parts.append("TLS" if node.encrypted else "no TLS")
    return ", ".join(parts)


def _version(found: dict[str, str]) -> str:
    if "valkey_version" in found:
        return f"Valkey {found['valkey_version']}"
    return f"Redis {found.get('redis_version', 'of no version')}"


def _persistence(found: dict[str, str], save: Any) -> str:
    """Return what survives a restart: ``save`` is the answer of CONFIG GET, which few users may ask."""
    kept = ["appends to a file"] if found.get("aof_enabled") == "1" else []
    if isinstance(save, StorageError):
        return kept[0] if kept else "snapshots unknown"
    points = list(save.values()) if isinstance(save, dict) else save[1:]
    kept += ["snapshots"] if any(points) else []
    return " and ".join(kept) if kept else "no persistence"


def _text(answer: Any) -> str:
    return answer.decode() if isinstance(answer, bytes) else str(answer)
