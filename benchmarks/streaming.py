"""A large object in and out: how much resident memory it takes, in process and over HTTP."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import httpx
import psutil
from measuring import Figure, save

SIZE = 1 << 30
CHUNK = 1 << 20
GOAL = 64 << 20

IN_PROCESS = """
import asyncio, sys, threading, time, psutil
from unison_storage.storage import Storage

async def source():
    block = bytes(range(256)) * 4096
    for _ in range({size} // len(block)):
        yield block

async def main():
    me = psutil.Process()
    async with Storage("sqlite:///{folder}/x.db", profile="development") as storage:
        files = storage.objects.at("files")
        await files.put("warm", b"x" * 1000000)
        assert await files.get("warm")
        before, peak, done = me.memory_info().rss, 0, False
        def watch():
            nonlocal peak
            while not done:
                peak = max(peak, me.memory_info().rss)
                time.sleep(0.005)
        thread = threading.Thread(target=watch)
        thread.start()
        started = time.perf_counter()
        info = await files.put("large", source())
        written = time.perf_counter()
        size = 0
        async with files.open("large") as body:
            async for chunk in body:
                size += len(chunk)
        read = time.perf_counter()
        done = True
        thread.join()
        assert size == info.size == {size}
        print(peak - before, {size} / (written - started) / 1e6, {size} / (read - written) / 1e6)

asyncio.run(main())
"""


def in_process(folder: str) -> tuple[int, float, float]:
    program = IN_PROCESS.format(size=SIZE, folder=folder)
    output = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()
    return int(output[0]), float(output[1]), float(output[2])


async def over_http(folder: str) -> tuple[int, float, float]:
    """Stream through a server process and watch its resident memory."""
    token = "t" * 43
    environment = {
        **os.environ,
        "UNISON_STORAGE_PROFILE": "development",
        "UNISON_STORAGE_DATABASE_URL": f"sqlite:///{folder}/http.db",
        "UNISON_STORAGE_HTTP_TOKEN": token,
        "UNISON_STORAGE_HTTP_PORT": "18082",
    }
    command = [str(Path(sys.executable).parent / "unison-storage"), "serve"]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url="http://127.0.0.1:18082", headers=headers, timeout=120) as client:
            await answering(client)
            url = "/v1/objects/files/large"
            (await client.put("/v1/objects/files/warm", content=b"x" * 1_000_000)).raise_for_status()
            (await client.get("/v1/objects/files/warm")).raise_for_status()
            process = psutil.Process(server.pid)
            before = process.memory_info().rss
            watcher = asyncio.create_task(peak(process))
            started = time.perf_counter()
            (await client.put(url, content=blocks())).raise_for_status()
            written = time.perf_counter()
            size, digest = 0, sha256()
            async with client.stream("GET", url) as reply:
                async for chunk in reply.aiter_bytes():
                    size += len(chunk)
                    digest.update(chunk)
            read = time.perf_counter()
            watcher.cancel()
            assert size == SIZE
            expected = sha256()
            async for block in blocks():
                expected.update(block)
            assert digest.digest() == expected.digest()
            most = max(HIGHEST)
            return most - before, SIZE / (written - started) / 1e6, SIZE / (read - written) / 1e6
    finally:
        server.terminate()
        server.wait(30)


HIGHEST = [0]


async def peak(process: psutil.Process) -> None:
    while True:
        HIGHEST[0] = max(HIGHEST[0], process.memory_info().rss)
        await asyncio.sleep(0.005)


async def answering(client: httpx.AsyncClient) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            if (await client.get("/readyz")).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        await asyncio.sleep(0.05)
    raise SystemExit("the server did not start")


async def blocks() -> AsyncIterator[bytes]:
    block = bytes(range(256)) * (CHUNK // 256)
    for _ in range(SIZE // CHUNK):
        yield block


def measure() -> list[Figure]:
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        for where, (grown, write, read) in (
            ("in process", in_process(folder)),
            ("over HTTP (the server)", asyncio.run(over_http(folder))),
        ):
            figures.append(
                Figure(
                    f"resident growth while 1 GiB streams in and out, {where}",
                    "< 64 MiB",
                    f"{grown / (1 << 20):.1f} MiB",
                    grown < GOAL,
                    f"in {write:,.0f} MB/s, out {read:,.0f} MB/s",
                )
            )
    return figures


if __name__ == "__main__":
    save("streaming", "Large objects", measure())
