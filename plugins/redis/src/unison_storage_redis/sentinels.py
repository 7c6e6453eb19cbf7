"""Sentinels: who tells where the primary of a service is at this moment. Connections to the primary are ``node``'s."""

from __future__ import annotations

import asyncio

from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import MasterNotFoundError, Sentinel
from redis.backoff import NoBackoff

from unison_storage.errors import StorageError, Unavailable
from unison_storage_redis import errors
from unison_storage_redis.config import Server
from unison_storage_redis.node import Address


async def primary(server: Server) -> Address:
    """Ask the Sentinels one after the other until one knows the primary; raises core's errors where none does."""
    given = {**server.sentinel_parameters, "retry": Retry(NoBackoff(), 0), "ssl": server.tls}
    asked = Sentinel(server.hosts, sentinel_kwargs=given)  # type: ignore[no-untyped-call]
    failed: StorageError
    try:
        async with asyncio.timeout(server.options.connect_timeout * len(server.hosts)):
            host, port = await asked.discover_master(server.service)
            return str(host), int(port)
    except MasterNotFoundError:
        failed = Unavailable("no Sentinel can be reached that knows a primary of the service that the URL names")
    except Exception as error:  # noqa: BLE001 - the border of the plugin: whatever the driver meets is translated
        failed = errors.unconnected(error)
    finally:
        await asked.aclose()
    raise failed
