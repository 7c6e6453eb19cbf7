"""Put the packages that are installed here into a storage, and ask what would break.

    python examples/installed_packages.py                                    # whatever the environment configures
    python examples/installed_packages.py --remove anyio --picture anyio.svg
    python examples/installed_packages.py --url http://127.0.0.1:8082 --token-file data/token

The packages are a graph with a model of its own: who requires whom. The metadata and licences of each are objects, and
what is known of it (version, licence, what it asks for) is a memory entry. Answers are cached under a digest of all
that they rest on, so that none outlives what it was true of. A second run writes only what has changed.

A requirement counts where its marker holds here. One that is for an extra counts for whoever asks for that extra, and
one that nothing installed satisfies leads to a package whose state is ``missing``.

A gateway serves one graph model, so it has to be started with this one:

    PYTHONPATH=examples UNISON_STORAGE_GRAPH_MODEL=installed_packages:MODEL unison-storage serve

Needs ``packaging`` and ``rich`` beside the storage, and ``httpx`` for the gateway.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import msgspec
import package_picture
from package_places import KEYSPACE, LABEL, NEEDS, Address, Embedded, Gateway, Pair, Place, Properties
from package_reading import CONDITIONS, Package, read, unreadable
from packaging.utils import canonicalize_name
from rich.console import Console
from rich.table import Table

from unison_storage import Grammar, GraphModel, GraphProperty, Keyspace, Relationship, StorageError

MODEL = GraphModel(
    labels=[LABEL],
    relationships=[Relationship(NEEDS, sources=(LABEL,), targets=(LABEL,))],
    properties=[
        GraphProperty("state", Grammar.TAG, tags=("installed", "missing")),
        GraphProperty("metadata", Grammar.ID),  # the object that holds it
        GraphProperty("condition", Grammar.TAG, tags=CONDITIONS),
    ],
)
AT_ONCE = 16

Answers = dict[str, Any]


class Keeper:
    """Brings a storage to what is installed, and counts what that took."""

    def __init__(self, place: Place, packages: Mapping[str, Package]) -> None:
        self._place = place
        self._packages = packages
        self.written: Counter[str] = Counter(objects=0, nodes=0, edges=0, summaries=0)
        self.removed: Counter[str] = Counter(objects=0, nodes=0, edges=0, summaries=0)

    async def keep(self) -> dict[str, list[str]]:
        """Write what differs and remove what is gone; return the packages by what happened to them.

        A summary is written last and removed last: after a run that was cut off the next one finds what is left to do.
        """
        known = await self._place.summaries()
        ids, rewritten = await self._objects()
        await self._graph(ids)
        happened: dict[str, list[str]] = {"new": [], "changed": [], "unchanged": [], "gone": []}
        for name, package in self._packages.items():
            same = known.get(name) == package.summary
            if not same:
                await self._place.note(name, package.summary)
                self.written["summaries"] += 1
            what = "new" if name not in known else "unchanged" if same and name not in rewritten else "changed"
            happened[what].append(name)
        happened["gone"] = list(known.keys() - self._packages)
        for name in happened["gone"]:
            await self._place.forget(name)
            self.removed["summaries"] += 1
        return {what: sorted(names) for what, names in happened.items()}

    async def _objects(self) -> tuple[dict[Address, str], set[str]]:
        """Return the ids of all objects, and the packages of those that were written."""
        there = await self._place.objects()
        wanted = {
            (name, *path.split("/")): content
            for name, package in self._packages.items()
            for path, content in package.contents.items()
        }
        ids = {address: info.id for address, info in there.items()}

        async def put(address: Address, content: bytes) -> None:
            ids[address] = await self._place.put(address, content)

        differ = {
            address: content
            for address, content in wanted.items()
            if address not in there or there[address].sha256 != sha256(content).hexdigest()
        }
        await at_once(put, differ.items())
        gone = there.keys() - wanted
        await at_once(self._place.drop, zip(gone))
        self.written["objects"] += len(differ)
        self.removed["objects"] += len(gone)
        return ids, {name for name, *_ in differ}

    async def _graph(self, ids: Mapping[Address, str]) -> None:
        nodes, edges = graph_of(self._packages, ids)
        there = await self._place.nodes()
        linked: dict[Pair, Properties] = {}

        async def look(name: str) -> None:
            for target, properties in (await self._place.needs(name)).items():
                linked[name, target] = properties

        await at_once(look, zip(there))
        changes = differing(nodes, there)
        await self._place.write_nodes(changes)
        gone = there.keys() - nodes
        loose = linked.keys() - edges
        await self._place.drop_edges(loose)
        edge_changes = differing(edges, linked)
        await self._place.write_edges(edge_changes)
        await at_once(self._place.drop_node, zip(gone))
        self.written.update(nodes=len(changes), edges=len(edge_changes))
        self.removed.update(nodes=len(gone), edges=len(loose))


def graph_of(
    packages: Mapping[str, Package], ids: Mapping[Address, str]
) -> tuple[dict[str, Properties], dict[Pair, Properties]]:
    """Return the nodes and edges that the graph is to have."""
    edges: dict[Pair, Properties] = {}
    nodes: dict[str, Properties] = {}
    for name, package in packages.items():
        file = next(path for path in ("METADATA", "PKG-INFO") if path in package.contents)
        nodes[name] = {"state": "installed", "metadata": ids[name, file]}
        edges |= {(name, other): {"condition": why} for other, why in package.summary.needs.items()}
    missing = {other for _, other in edges} - nodes.keys()
    return {**nodes, **{name: {"state": "missing"} for name in sorted(missing)}}, edges


def differing(wanted: Mapping[Any, Properties], there: Mapping[Any, Properties]) -> dict[Any, Properties]:
    """Return what is to be merged into what is there; ``None`` removes a property."""
    return {
        name: {**dict.fromkeys(there.get(name, {})), **properties}
        for name, properties in wanted.items()
        if there.get(name) != properties
    }


async def at_once(job: Callable[..., Awaitable[None]], each: Iterable[tuple[Any, ...]]) -> None:
    """Do a job with each, side by side, but not with all at once."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(arguments: tuple[Any, ...]) -> None:
        async with room:
            await job(*arguments)

    await asyncio.gather(*map(one, each))


class Questions:
    """What can be asked of a storage once it holds what is installed. Answers come from the cache where it has them."""

    def __init__(self, place: Place, packages: Mapping[str, Package]) -> None:
        self._place = place
        summaries = {name: package.summary for name, package in packages.items()}
        self._basis = sha256(msgspec.json.encode(summaries, order="sorted")).hexdigest()
        self.computed: list[str] = []

    async def breaks(self, name: str) -> list[list[str]]:
        """Return what would break without a package: what requires it, what requires that, and so on."""

        async def compute() -> list[list[str]]:
            self.computed.append("breaks")
            depths = await self._place.reaching(name)
            return [
                sorted(one for one, depth in depths.items() if depth == step)
                for step in range(1, max(depths.values(), default=0) + 1)
            ]

        found: list[list[str]] = await self._place.answer(self._basis, f"breaks {name}", compute)
        return found

    async def chain(self, source: str, target: str) -> list[str] | None:
        """Return a shortest chain from a package to one that it requires, directly or not."""

        async def compute() -> list[str] | None:
            self.computed.append("chain")
            return await self._place.chain(source, target)

        found: list[str] | None = await self._place.answer(self._basis, f"chain {source} {target}", compute)
        return found

    async def twice(self) -> list[dict[str, Any]]:
        """Return texts that are stored more than once, what takes most room first."""

        async def compute() -> list[dict[str, Any]]:
            self.computed.append("twice")
            copies: dict[tuple[str, int], list[str]] = defaultdict(list)
            for address, info in (await self._place.objects()).items():
                copies[info.sha256, info.size].append("/".join(address))
            found = [
                {"sha256": digest, "size": size, "texts": sorted(texts)}
                for (digest, size), texts in copies.items()
                if len(texts) > 1
            ]
            return sorted(found, key=lambda one: (-one["size"] * (len(one["texts"]) - 1), one["texts"]))

        found: list[dict[str, Any]] = await self._place.answer(self._basis, "twice", compute)
        return found

    async def missing(self) -> dict[str, list[str]]:
        """Return what is required and not installed, with what requires it."""

        async def compute() -> dict[str, list[str]]:
            self.computed.append("missing")
            return {name: sorted(await self._place.needed_by(name)) for name in await self._place.nodes("missing")}

        found: dict[str, list[str]] = await self._place.answer(self._basis, "missing", compute)
        return found


async def run(place: Place, packages: Mapping[str, Package], given: argparse.Namespace) -> Answers:
    """Store what is installed, then answer the questions."""
    keeper, questions = Keeper(place, packages), Questions(place, packages)
    happened = await keeper.keep()
    removed = given.remove or most_needed(packages)
    breaks = await questions.breaks(removed)
    source, target = given.source, given.target
    if source is None:
        source, target = (breaks[-1][0] if breaks else removed), removed
    return {
        "packages": len(packages),
        "happened": happened,
        "written": dict(keeper.written),
        "removed": dict(keeper.removed),
        "breaks": {"without": removed, "steps": breaks},
        "chain": {"from": source, "to": target, "packages": await questions.chain(source, target)},
        "twice": await questions.twice(),
        "missing": await questions.missing(),
        "computed": questions.computed,
        "unreadable": unreadable(packages),
    }


def most_needed(packages: Mapping[str, Package]) -> str:
    """Return the package that most others require directly."""
    needed = Counter(other for name, package in packages.items() for other in package.summary.needs if other != name)
    return min(needed or packages, key=lambda name: (-needed[name], name))


def show(answers: Answers, console: Console) -> None:
    """Print the answers as tables."""
    changes = Table("what happened", "packages", "for example", title=f"{answers['packages']} packages")
    for what, names in answers["happened"].items():
        changes.add_row(what, str(len(names)), ", ".join(names[:5]))
    writes = Table("what", "written", "removed", title="Since the last run")
    for what, count in answers["written"].items():
        writes.add_row(what, str(count), str(answers["removed"][what]))
    steps = Table("steps away", "packages", title=f"What breaks without {answers['breaks']['without']}")
    for step, names in enumerate(answers["breaks"]["steps"], 1):
        steps.add_row(str(step), ", ".join(names))
    twice = Table("bytes", "stored as", title="Texts that are stored more than once")
    for one in answers["twice"]:
        twice.add_row(f"{one['size']:,}", "\n".join(one["texts"]))
    missing = Table("not installed", "required by", title="What is missing")
    for name, needed_by in answers["missing"].items():
        missing.add_row(name, ", ".join(needed_by))
    console.print(*(table for table in (changes, writes, steps, twice, missing) if table.row_count))
    chain = answers["chain"]
    found = "no chain" if chain["packages"] is None else " → ".join(chain["packages"])
    console.print(f"From {chain['from']} to {chain['to']}: {found}", highlight=False)
    for name, texts in answers["unreadable"].items():
        console.print(f"{name} has requirements that are none: {'; '.join(texts)}", highlight=False, markup=False)


def draw(file: Path, packages: Mapping[str, Package], answers: Answers) -> None:
    """Write the picture, as an SVG or as a page that holds one."""
    needs = {name: set(package.summary.needs) for name, package in packages.items()}
    steps = {name: step for step, names in enumerate(answers["breaks"]["steps"], 1) for name in names}
    picture = package_picture.picture(needs, set(answers["missing"]), answers["breaks"]["without"], steps)
    file.write_text(package_picture.page(picture) if file.suffix == ".html" else picture, encoding="utf-8")


@asynccontextmanager
async def embedded() -> AsyncIterator[Place]:
    """Open the storage that the environment describes."""
    from unison_storage import Storage

    async with Storage.from_env(keyspaces=[Keyspace(KEYSPACE)], graph_model=MODEL) as storage:
        yield Embedded(storage)


@asynccontextmanager
async def behind(url: str, token: str) -> AsyncIterator[Place]:
    """Connect to a gateway."""
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60) as client:
        yield Gateway(client)


def arguments(given: Iterable[str] | None) -> tuple[argparse.Namespace, dict[str, Package]]:
    """Return what the command line says, and the packages it speaks of."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="the gateway's address; without it the environment's storage is embedded")
    parser.add_argument("--token-file", type=Path, default=Path("data/token"), help="holds the gateway's token")
    parser.add_argument("--path", type=Path, action="append", help="a folder to look in; the interpreter's if left out")
    parser.add_argument("--remove", metavar="PACKAGE", help="what breaks without it; the most needed if left out")
    parser.add_argument("--from", metavar="PACKAGE", dest="source", help="where the chain begins")
    parser.add_argument("--to", metavar="PACKAGE", dest="target", help="where the chain ends")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw the graph: .svg or .html")
    parser.add_argument("--json", action="store_true", help="print the answers as one JSON document")
    found = parser.parse_args(None if given is None else list(given))
    if (found.source is None) != (found.target is None):
        parser.error("--from and --to belong together")
    if found.picture and found.picture.suffix not in {".svg", ".html"}:
        parser.error("a picture is a .svg or a .html")
    packages = read(found.path or map(Path, sys.path))
    if not packages:
        parser.error("no packages are installed there")
    named = {*packages, *(other for package in packages.values() for other in package.summary.needs)}
    for option in ("remove", "source", "target"):
        name = getattr(found, option)
        if name is not None:
            setattr(found, option, canonicalize_name(name))
            if canonicalize_name(name) not in named:
                parser.error(f"{name} is not installed, and nothing requires it")
    return found, packages


def main(given: Iterable[str] | None = None) -> int:
    """Run from the command line; return 0, or 1 where the storage does not answer."""
    try:
        found, packages = arguments(given)

        async def work() -> Answers:
            place: AbstractAsyncContextManager[Place] = embedded()
            if found.url:
                place = behind(found.url, found.token_file.read_text().strip())
            async with place as opened:
                return await run(opened, packages, found)

        answers = asyncio.run(work())
        if found.picture:
            draw(found.picture, packages, answers)
    except (StorageError, httpx.HTTPError, OSError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    if found.json:
        print(json.dumps(answers))
    else:
        show(answers, Console())
    return 0


if __name__ == "__main__":
    sys.exit(main())
