"""Servers that refuse, or answer what nobody wants: what is said, and that it goes on when they are willing again."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.redis.surroundings import HOUR, cache, memory, put, set_
from tests.services import valkey
from unison_storage.contracts.cache import Acquire, Fill, Increment, Release, Set, Touch
from unison_storage.contracts.memory import Delete
from unison_storage.contracts.memory import Increment as Add
from unison_storage.contracts.memory import Touch as Prolong
from unison_storage.errors import (
    AccessDenied,
    AvailabilityError,
    InvalidConfig,
    PoolExhausted,
    StorageError,
    Unavailable,
)
from unison_storage.values import ANY

CANARY = "canary-password"
WILLING = 10.0

RULES = (
    "~unison-storage:*",
    *("+ping", "+hello", "+auth", "+select", "+client|setname", "+info", "+acl|whoami", "+time"),
    *("+get", "+set", "+del", "+pexpire", "+pttl", "+incrby", "+scan", "+script|load", "+evalsha", "+eval"),
    *("+getrange", "+setrange", "+pexpireat", "+persist", "+zadd", "+zrem", "+zrangebylex", "+zrangebyscore"),
    *("+zlexcount", "+sadd", "+srem", "+smembers"),
)
"""What a user needs on a server by itself, as docs/redis.md says."""


_LOADING = {"loading-process-events-interval-bytes": "1024"}
"""So that it answers while it loads little."""


@pytest.fixture(params=["valkey", "redis"])
def server(request: pytest.FixtureRequest) -> Iterator[valkey.Started]:
    """A server of the test's own, so that what is changed on it stays with it."""
    found = valkey.Started(
        valkey.valkey() if request.param == "valkey" else valkey.debian(),
        options={"busy-reply-threshold": "20"} | _LOADING,
    )
    found.start()
    yield found
    found.remove()


async def refusal(url: str, opened: Callable[[str], Any] = cache) -> StorageError:
    """Return why a backend can't be opened."""
    with pytest.raises(StorageError) as failure:
        async with opened(url):
            pass
    return failure.value


async def outcome(call: Any) -> Any:
    """Return what the one item of a batch comes to, whether it is raised or answered."""
    try:
        [one] = await call
    except StorageError as error:
        return error
    return one


async def until_willing(call: Callable[[], Any]) -> None:
    until = asyncio.get_running_loop().time() + WILLING
    while isinstance(await outcome(call()), StorageError):
        assert asyncio.get_running_loop().time() < until
        await asyncio.sleep(0.02)


def test_a_wrong_password_and_a_wrong_user_are_matters_of_settings(server: valkey.Started) -> None:
    for login in (f":{CANARY}@", f"ann:{CANARY}@", ""):
        error = asyncio.run(refusal(f"redis://{login}127.0.0.1:{server.port}"))
        assert isinstance(error, InvalidConfig), (login, error)
        assert CANARY not in error.message
        assert not error.retryable


def test_a_user_who_may_not_is_told_so(server: valkey.Started) -> None:
    server.ask("ACL", "SETUSER", "ann", "on", f">{CANARY}", "~*", "+@connection", "+get", "+info")
    url = f"redis://ann:{CANARY}@127.0.0.1:{server.port}"

    async def test() -> None:
        async with cache(url) as backend:
            assert await backend.get_many(["k\x1fa"]) == [None]
            error = await outcome(backend.set_many([set_("k\x1fa")]))
            assert isinstance(error, AccessDenied)
            assert not error.outcome_unknown
            assert "user ann" not in (await backend.health()).detail  # it may not ask who it is

    asyncio.run(test())


def test_a_user_needs_no_more_than_is_documented(server: valkey.Started) -> None:
    server.ask("ACL", "SETUSER", "app", "on", f">{CANARY}", *RULES)
    url = f"redis://app:{CANARY}@127.0.0.1:{server.port}"

    async def test() -> None:
        async with cache(url) as backend, memory(url) as entries:
            a = "k\x1fa"
            assert await backend.set_many([set_(a)]) == [None]
            assert await backend.add_many([set_(a)]) == [False]
            assert await backend.get_many([a]) == [b"value"]
            assert await backend.touch_many([Touch(a, HOUR)]) == [True]
            assert await backend.increment_many([Increment("k\x1fn", 1, HOUR)]) == [1]
            assert await backend.acquire_many([Acquire(a + "\x1f", "one", HOUR)]) != [None]
            assert await backend.renew_many([Acquire(a + "\x1f", "one", HOUR)]) == [True]
            assert await backend.fill_many([Fill(a, b"new", HOUR, "one", b"value")]) == [True]
            assert await backend.release_many([Release(a + "\x1f", "one")]) == [False]
            assert await backend.delete_many([a]) == [True]
            assert (await backend.count(""), await backend.delete_prefix("")) == (1, 1)
            assert isinstance((await entries.put_many([put(a, person="ann")]))[0], object)
            assert await entries.increment_many([Add("k\x1fn", 1, "2", HOUR)]) == [1]
            assert await entries.touch_many([Prolong(a, None), Prolong(a, HOUR)]) == [True, True]
            assert len(await entries.list("", "", 10, values=False)) == 2
            assert (await entries.count(""), await entries.owned("ann")) == (2, 1)
            assert await entries.delete_many([Delete("k\x1fn", ANY)]) == [True]
            assert (await entries.erase("ann"), await entries.purge_expired(10)) == (1, 0)
            assert await entries.now() > 0
            assert (await entries.health()).ok

    asyncio.run(test())


@pytest.mark.parametrize("protocol", [2, 3])
def test_what_a_server_tells_of_itself_is_shown(server: valkey.Started, protocol: int) -> None:
    server.ask("ACL", "SETUSER", "ann", "on", f">{CANARY}", *RULES)
    whole = f"{server.url}?protocol={protocol}"
    limited = f"redis://ann:{CANARY}@127.0.0.1:{server.port}?protocol={protocol}"

    async def told(url: str = whole) -> str:
        async with cache(url) as backend:
            health = await backend.health()
            assert health.ok
            return health.detail

    async def test() -> None:
        first = await told()
        assert first.startswith(("Valkey 9", "Redis 7"))
        assert first.partition(", ")[2] == "maxmemory-policy noeviction, no persistence, user default, no TLS"
        server.ask("CONFIG", "SET", "save", "3600 1")
        server.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu")
        assert "maxmemory-policy allkeys-lfu, snapshots, " in await told()
        assert "snapshots unknown, user ann, " in await told(limited)
        server.ask("CONFIG", "SET", "appendonly", "yes")
        assert "appends to a file and snapshots, " in await told()
        assert "appends to a file, user ann, " in await told(limited)

    asyncio.run(test())


def test_the_page_names_all_that_a_user_needs() -> None:
    page = (Path(__file__).parents[3] / "docs" / "redis.md").read_text("utf-8")
    written = page.partition("ACL SETUSER app on >secret ")[2].partition("```")[0].split()
    assert tuple(written) == RULES


def test_a_replica_takes_no_writes(server: valkey.Started) -> None:
    async def test() -> None:
        async with cache(server.url) as backend:
            await backend.set_many([set_("k\x1fa")])
            server.ask("REPLICAOF", "127.0.0.1", "1")
            for call in (
                lambda: backend.set_many([set_("k\x1fb")]),
                lambda: backend.increment_many([Increment("k\x1fn", 1, HOUR)]),
                lambda: backend.delete_many(["k\x1fa"]),
            ):
                error = await outcome(call())
                assert isinstance(error, Unavailable), error
                assert not error.outcome_unknown
            server.ask("REPLICAOF", "NO", "ONE")
            await until_willing(lambda: backend.set_many([set_("k\x1fb")]))
            assert await backend.get_many(["k\x1fa"]) == [b"value"]

    asyncio.run(test())


def test_a_server_without_room_says_so_and_keeps_what_it_has(server: valkey.Started) -> None:
    async def test() -> None:
        async with cache(server.url) as backend, memory(server.url) as entries:
            await backend.set_many([set_("k\x1fa")])
            await entries.put_many([put("k\x1fa", person="ann")])
            server.ask("CONFIG", "SET", "maxmemory", "1")
            for call in (
                lambda: backend.set_many([set_("k\x1fb")]),
                lambda: backend.increment_many([Increment("k\x1fn", 1, HOUR)]),
                lambda: entries.put_many([put("k\x1fb", person="ann")]),
                lambda: entries.increment_many([Add("k\x1fn", 1, "2", HOUR)]),
            ):
                error = await outcome(call())
                assert isinstance(error, Unavailable), error
                assert "maxmemory" in error.message
                assert not error.outcome_unknown
            assert await backend.get_many(["k\x1fa", "k\x1fn"]) == [b"value", None]
            assert [line.address for line in await entries.list("", "", 10, values=False)] == ["k\x1fa"]
            assert await entries.owned("ann") == 1
            server.ask("CONFIG", "SET", "maxmemory", "0")
            assert await backend.set_many([set_("k\x1fb")]) == [None]

    asyncio.run(test())


def test_a_server_that_evicts_forgets_and_is_never_wrong(server: valkey.Started) -> None:
    async def test() -> None:
        async with cache(server.url) as backend:
            server.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
            server.ask("CONFIG", "SET", "maxmemory", str(6 << 20))
            addresses = [f"k\x1f{number}" for number in range(400)]
            for address in addresses:
                assert await backend.set_many([Set(address, address.encode() * 10_000, HOUR)]) == [None]
            found = await backend.get_many(addresses)
            kept = [value for value in found if value is not None]
            assert 0 < len(kept) < len(addresses)
            assert all(value in (None, at.encode() * 10_000) for value, at in zip(found, addresses, strict=True))

    asyncio.run(test())
    error = asyncio.run(refusal(server.url, memory))
    assert isinstance(error, InvalidConfig)
    assert "evict" in error.message


def test_a_server_that_is_loading_is_waited_for(server: valkey.Started) -> None:
    for number in range(300):
        server.ask("SET", f"other:{number}", "x" * 1_000)
    server.ask("CONFIG", "SET", "key-load-delay", "5000")
    server.ask("CONFIG", "REWRITE")
    server.ask("SAVE")
    server.kill()
    server.launch()

    async def test() -> None:
        until = asyncio.get_running_loop().time() + WILLING
        said = set()
        while True:
            assert asyncio.get_running_loop().time() < until
            try:
                async with cache(server.url) as backend:
                    await backend.set_many([set_("k\x1fa")])
                    break
            except AvailabilityError as error:
                said.add(error.message)
                await asyncio.sleep(0.01)
        assert "the server is loading its data" in said

    asyncio.run(test())


def test_a_server_that_runs_a_long_script_is_waited_for(server: valkey.Started) -> None:
    def run() -> None:
        with pytest.raises(Exception, match="killed"):
            server.ask("EVAL", "while true do end", 0)

    async def test() -> None:
        async with cache(server.url) as backend:
            thread = threading.Thread(target=run)
            thread.start()
            until = asyncio.get_running_loop().time() + WILLING
            while not isinstance(error := await outcome(backend.get_many(["k\x1fa"])), Unavailable):
                assert asyncio.get_running_loop().time() < until
                await asyncio.sleep(0.02)
            assert "script" in error.message
            server.ask("SCRIPT", "KILL")
            await until_willing(lambda: backend.get_many(["k\x1fa"]))
            thread.join()

    asyncio.run(test())


def test_a_server_that_is_full_of_clients_is_told(server: valkey.Started) -> None:
    server.ask("CONFIG", "SET", "maxclients", "1")

    async def test() -> None:
        async with cache(server.url) as backend:
            error = await refusal(server.url)
            assert isinstance(error, PoolExhausted), error
            assert await backend.get_many(["k\x1fa"]) == [None]

    asyncio.run(test())


def test_what_is_no_server_of_this_kind_is_told() -> None:
    async def test() -> None:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(100)
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            writer.close()

        async with await asyncio.start_server(answer, "127.0.0.1", 0) as listening:
            port = listening.sockets[0].getsockname()[1]
            error = await refusal(f"redis://127.0.0.1:{port}")
            assert isinstance(error, AvailabilityError), error

    asyncio.run(test())


def test_a_server_that_hangs_up_at_any_point_of_the_greeting_is_told() -> None:
    greeting = (b"%0\r\n", b"+OK\r\n", b"+PO")

    async def test() -> None:
        for told in range(len(greeting) + 1):

            async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, told: int = told) -> None:
                for one in greeting[:told]:
                    await reader.read(1_000)
                    writer.write(one)
                writer.close()

            async with await asyncio.start_server(answer, "127.0.0.1", 0) as listening:
                port = listening.sockets[0].getsockname()[1]
                error = await asyncio.wait_for(refusal(f"redis://127.0.0.1:{port}"), WILLING)
                assert isinstance(error, AvailabilityError), (told, error)

    asyncio.run(test())
