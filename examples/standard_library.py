"""Put the source of Python's own standard library into a storage, and ask it questions.

    python examples/standard_library.py                                   # whatever the environment configures
    python examples/standard_library.py --url http://127.0.0.1:8082 --token-file data/token

Each file becomes an object; what is known of it (docstring, size, imports) a memory entry with a lifetime. A second
run stores only what has changed since, and says what that was.
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import json
import sys
import sysconfig
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import httpx
import msgspec
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from unison_storage import Entry, Keyspace, ObjectInfo, StorageError

KEYSPACE = "library"
LIFETIME = 30 * 86_400.0
AT_ONCE = 16


class Summary(msgspec.Struct):
    """What is known of a file: ``version`` and ``sha256`` are those of its object."""

    path: str
    size: int
    sha256: str
    version: str
    docstring: str | None
    imports: list[str]


class Library(Protocol):
    """What the questions need of a storage, embedded or behind the gateway."""

    async def summary(self, namespace: tuple[str, ...], key: str) -> Summary | None:
        """Return what is known of a file."""

    async def store(self, namespace: tuple[str, ...], key: str, content: bytes) -> str:
        """Store a file and return its version."""

    async def version(self, namespace: tuple[str, ...], key: str) -> str | None:
        """Return the version of the stored file."""

    async def note(self, namespace: tuple[str, ...], key: str, summary: Summary) -> None:
        """Store what is known of a file."""

    async def forget(self, namespace: tuple[str, ...], key: str) -> None:
        """Remove a file and what is known of it."""

    def below(self, namespace: tuple[str, ...]) -> AsyncIterator[Summary]:
        """Yield what is known of all files below a package."""


class Embedded:
    """The storage in this process."""

    def __init__(self, storage: Any) -> None:
        self._storage = storage

    async def summary(self, namespace: tuple[str, ...], key: str) -> Summary | None:
        entry: Entry[Summary] | None = await self._storage.memory.at(KEYSPACE, *namespace, type=Summary).get(key)
        return None if entry is None else entry.value

    async def store(self, namespace: tuple[str, ...], key: str, content: bytes) -> str:
        files = self._storage.objects.at(KEYSPACE, *namespace)
        info: ObjectInfo = await files.put(key, content, content_type="text/x-python")
        return info.version

    async def version(self, namespace: tuple[str, ...], key: str) -> str | None:
        info: ObjectInfo | None = await self._storage.objects.at(KEYSPACE, *namespace).head(key)
        return None if info is None else info.version

    async def note(self, namespace: tuple[str, ...], key: str, summary: Summary) -> None:
        await self._storage.memory.at(KEYSPACE, *namespace, type=Summary).put(key, summary, lifetime=LIFETIME)

    async def forget(self, namespace: tuple[str, ...], key: str) -> None:
        await self._storage.objects.at(KEYSPACE, *namespace).delete(key)
        await self._storage.memory.at(KEYSPACE, *namespace).delete(key)

    async def below(self, namespace: tuple[str, ...]) -> AsyncIterator[Summary]:
        async for entry in self._storage.memory.at(KEYSPACE, *namespace, type=Summary).entries():
            yield entry.value


class Gateway:
    """The storage behind its HTTP API."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def summary(self, namespace: tuple[str, ...], key: str) -> Summary | None:
        reply = await self._client.get(_path("memory", namespace, key))
        return None if reply.status_code == 404 else msgspec.json.decode(_good(reply).content, type=Summary)

    async def store(self, namespace: tuple[str, ...], key: str, content: bytes) -> str:
        headers = {"Content-Type": "text/x-python"}
        reply = await self._client.put(_path("objects", namespace, key), content=content, headers=headers)
        return _good(reply).headers["ETag"].strip('"')

    async def version(self, namespace: tuple[str, ...], key: str) -> str | None:
        reply = await self._client.head(_path("objects", namespace, key))
        return None if reply.status_code == 404 else _good(reply).headers["ETag"].strip('"')

    async def note(self, namespace: tuple[str, ...], key: str, summary: Summary) -> None:
        body = msgspec.json.encode(summary)
        headers = {"Content-Type": "application/json"}
        params = {"lifetime": str(LIFETIME)}
        _good(await self._client.put(_path("memory", namespace, key), content=body, headers=headers, params=params))

    async def forget(self, namespace: tuple[str, ...], key: str) -> None:
        for kind in ("objects", "memory"):
            _good(await self._client.delete(_path(kind, namespace, key)))

    async def below(self, namespace: tuple[str, ...]) -> AsyncIterator[Summary]:
        cursor: str | None = None
        while True:
            params = {"limit": "500", **({"cursor": cursor} if cursor else {})}
            page = _good(await self._client.get(_path("memory", namespace, ""), params=params)).json()
            for item in page["items"]:
                yield msgspec.convert(item["value"], Summary)
            cursor = page["cursor"]
            if cursor is None:
                return


def _path(kind: str, namespace: tuple[str, ...], key: str) -> str:
    return "/".join((f"/v1/{kind}", *(quote(part, safe="") for part in (KEYSPACE, *namespace, key))))


def _good(reply: httpx.Response) -> httpx.Response:
    if reply.is_success:
        return reply
    raise SystemExit(f"the gateway answered {reply.status_code}: {reply.text}")


def summarise(path: str, content: bytes, version: str) -> Summary:
    """Return what is known of a file. Some files of the test suite are no valid Python, on purpose."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError, RecursionError):
        tree = ast.Module([], [])
    first = (ast.get_docstring(tree) or "").strip().partition("\n")[0]
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    text = first.encode("utf-8", "replace").decode().replace("\x00", "")
    digest = sha256(content).hexdigest()
    return Summary(path, len(content), digest, version, text or None, sorted(names))


def address(path: str) -> tuple[tuple[str, ...], str]:
    """Return where a file is kept: its packages are the namespace, its name without ``.py`` is the key."""
    *packages, name = path.split("/")
    return tuple(packages), name.removesuffix(".py")


def sources(root: Path) -> list[str]:
    """Return the paths of all source files below ``root``, without what was installed beside the library."""
    paths = (path.relative_to(root).as_posix() for path in root.rglob("*.py"))
    return sorted(path for path in paths if "site-packages" not in path and "__pycache__" not in path)


async def keep(library: Library, root: Path, path: str) -> str:
    """Store one file unless it is there as it is; return what happened to it."""
    namespace, key = address(path)
    content = await asyncio.to_thread((root / path).read_bytes)
    known = await library.summary(namespace, key)
    same = known is not None and known.sha256 == sha256(content).hexdigest()
    if known is not None and same and await library.version(namespace, key) == known.version:
        return "unchanged"
    version = await library.store(namespace, key, content)
    # not in a thread: Python 3.11 shares the depth of its syntax tree between threads, and fails at two at once
    await library.note(namespace, key, summarise(path, content, version))
    return "new" if known is None else "changed"


async def run(library: Library, root: Path, package: str, console: Console) -> dict[str, Any]:
    """Store the tree, then answer the questions."""
    paths = sources(root)
    known = {summary.path async for summary in library.below(())}
    happened: dict[str, list[str]] = {"new": [], "changed": [], "unchanged": []}
    room = asyncio.Semaphore(AT_ONCE)
    with Progress(console=console) as progress:
        task = progress.add_task("Storing", total=len(paths))

        async def one(path: str) -> None:
            async with room:
                happened[await keep(library, root, path)].append(path)
            progress.advance(task)

        await asyncio.gather(*(one(path) for path in paths))
    gone = sorted(known - set(paths))
    for path in gone:
        await library.forget(*address(path))
    everything = [summary async for summary in library.below(())]
    largest = sorted(everything, key=lambda summary: (-summary.size, summary.path))[:10]
    return {
        "files": len(paths),
        "package": sorted([summary.path async for summary in library.below((package,))]),
        "largest": [[summary.path, summary.size] for summary in largest],
        **{name: sorted(found) for name, found in happened.items()},
        "gone": gone,
    }


def show(answers: dict[str, Any], package: str, console: Console) -> None:
    """Print the answers as tables."""
    changes = Table("what happened", "files", "for example", title=f"{answers['files']} files since the last run")
    for name in ("new", "changed", "unchanged", "gone"):
        changes.add_row(name, str(len(answers[name])), ", ".join(answers[name][:3]))
    largest = Table("file", "bytes", title="The ten largest")
    largest.columns[1].justify = "right"
    for path, size in answers["largest"]:
        largest.add_row(path, f"{size:,}")
    modules = Table("file", title=f"Stored under {package}")
    for path in answers["package"]:
        modules.add_row(path)
    console.print(changes, largest, modules)


@asynccontextmanager
async def embedded() -> AsyncIterator[Library]:
    """Open the storage that the environment describes."""
    from unison_storage import Storage

    async with Storage.from_env(keyspaces=[Keyspace(KEYSPACE)]) as storage:
        yield Embedded(storage)


@asynccontextmanager
async def behind(url: str, token: str) -> AsyncIterator[Library]:
    """Connect to a gateway."""
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60) as client:
        yield Gateway(client)


def main(arguments: Iterable[str] | None = None) -> int:
    """Run from the command line; return 0, or 1 where the storage does not answer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="the gateway's address; without it the environment's storage is embedded")
    parser.add_argument("--token-file", type=Path, default=Path("data/token"), help="holds the gateway's token")
    parser.add_argument("--root", type=Path, default=Path(sysconfig.get_path("stdlib")), help="the tree to store")
    parser.add_argument("--package", default="json", help="whose modules to list")
    parser.add_argument("--json", action="store_true", help="print the answers as one JSON document")
    given = parser.parse_args(None if arguments is None else list(arguments))
    console = Console(stderr=given.json)

    async def work() -> dict[str, Any]:
        place: AbstractAsyncContextManager[Library] = embedded()
        if given.url:
            place = behind(given.url, given.token_file.read_text().strip())
        async with place as library:
            return await run(library, given.root, given.package, console)

    try:
        answers = asyncio.run(work())
    except (StorageError, httpx.HTTPError, OSError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    if given.json:
        print(json.dumps(answers))
    else:
        show(answers, given.package, console)
    return 0


if __name__ == "__main__":
    sys.exit(main())
