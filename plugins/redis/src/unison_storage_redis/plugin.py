"""The hooks of the Redis plugin. The driver is imported when a hook is called, and not before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from unison_storage.contracts.backend import BackendSpec, Durability
from unison_storage.guards import GuardRule, tls_rule
from unison_storage.hookspecs import HarnessHooks, hookimpl
from unison_storage_redis.config import Options, Server

if TYPE_CHECKING:
    from unison_storage.contracts.cache import CacheBackend
    from unison_storage.contracts.context import Context
    from unison_storage.contracts.memory import MemoryBackend
    from unison_storage.targets import Target


@hookimpl
def backend_specs() -> Sequence[BackendSpec]:
    """Describe what Redis serves."""
    return (
        BackendSpec(
            name="redis",
            schemes=("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel"),
            kinds=("cache", "memory"),
            durability=Durability.EPHEMERAL,
            production_ready=True,
            options=Options,
        ),
        BackendSpec(
            name="redis",
            schemes=("redis+cluster", "rediss+cluster"),
            kinds=("cache",),
            durability=Durability.EPHEMERAL,
            production_ready=True,
            options=Options,
        ),
    )


@hookimpl
def cache_backend(target: Target, context: Context) -> CacheBackend:
    """Make the cache on the servers of a target."""
    from unison_storage_redis.cache import RedisCache

    return RedisCache(Server.of(target), context)


@hookimpl
def memory_backend(target: Target, context: Context) -> MemoryBackend:
    """Make memory on the server of a target."""
    from unison_storage_redis.memory import RedisMemory

    return RedisMemory(Server.of(target), context)


@hookimpl
def guard_rules() -> Sequence[GuardRule]:
    """Return what profiles look at: passwords and data that others can read or change on a network."""
    return (tls_rule("redis-tls", _open, "write rediss:// in {setting}, and have the server speak TLS"),)


def _open(target: Target) -> bool:
    return target.scheme.partition("+")[0] == "redis"


@hookimpl
def conformance_harness(target: Target) -> HarnessHooks:
    """Lend the suite what it needs to age what servers hold."""
    from unison_storage_redis.harness import hooks

    return hooks(Server.of(target))
