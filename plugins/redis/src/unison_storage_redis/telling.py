"""What a server tells of itself, for whoever looks after it: version, eviction, persistence, user and encryption."""

from __future__ import annotations

from typing import Any

from unison_storage.errors import StorageError
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
    pinged, user = await node.many((), [("PING",), ("ACL", "WHOAMI")], writes=False)
    if isinstance(pinged, StorageError):
        raise pinged
    parts: list[str] = []
    try:
        found = await information(node, "server", "memory", "persistence")
    except StorageError as error:
        if error.retryable:
            raise
        parts.append("it tells nothing of itself, since the user may not ask INFO")
    else:
        parts += [_version(found), f"maxmemory-policy {found.get('maxmemory_policy', 'unknown')}", _persistence(found)]
    if not isinstance(user, StorageError):
        parts.append(f"user {_text(user)}")
    parts.append("TLS" if node.encrypted else "no TLS")
    return ", ".join(parts)


def _version(found: dict[str, str]) -> str:
    if "valkey_version" in found:
        return f"Valkey {found['valkey_version']}"
    return f"Redis {found.get('redis_version', 'of no version')}"


def _persistence(found: dict[str, str]) -> str:
    appended = found.get("aof_enabled") == "1"
    saved = found.get("rdb_last_save_time", "0") != "0" and found.get("rdb_saves", "1") != "0"
    return "persistence aof" if appended else "persistence snapshots" if saved else "no persistence"


def _text(answer: Any) -> str:
    return answer.decode() if isinstance(answer, bytes) else str(answer)
