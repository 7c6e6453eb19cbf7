"""The example's answers equal those of a computation that shares no code with it, embedded and through the gateway."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from importlib import metadata
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

import httpx
import pytest
from packaging.requirements import Requirement

from tests.examples.runs import answers_of
from tests.integration.server import Server
from tests.plugins.redis.surroundings import own
from tests.services import postgres, valkey

pytestmark = pytest.mark.once

EXAMPLE = Path(__file__).parents[2] / "examples" / "installed_packages.py"
answers = partial(answers_of, EXAMPLE)
SVG = "{http://www.w3.org/2000/svg}"

Edges = dict[tuple[str, str], str]
PLAIN, ENVIRONMENT, EXTRA = "plain", "environment", "extra"


class Fake(NamedTuple):
    """A distribution that a test installs: each requirement with what it truly leads to here, and why."""

    name: str
    requires: dict[str, dict[str, str]]
    licence: str = ""
    version: str = "1.0"

    @property
    def id(self) -> str:
        return re.sub(r"[-_.]+", "-", self.name).lower()

    def install(self, folder: Path) -> None:
        place = folder / f"{self.name}-{self.version}.dist-info"
        place.mkdir(parents=True)
        head = f"Metadata-Version: 2.1\nName: {self.name}\nVersion: {self.version}\nSummary: What {self.name} does\n"
        (place / "METADATA").write_text(head + "".join(f"Requires-Dist: {text}\n" for text in self.requires))
        if self.licence:
            (place / "licenses").mkdir()
            (place / "licenses" / "LICENSE.txt").write_text(self.licence)

    def remove(self, folder: Path) -> None:
        shutil.rmtree(folder / f"{self.name}-{self.version}.dist-info")


SHARED, OTHER = "Permission is hereby granted\n" * 40, "Redistribution and use\n" * 90


def odd_ones() -> list[Fake]:
    """Circles, a requirement of oneself, missing ones, names to normalise, markers and extras."""
    return [
        Fake("Web.App", {"web_frame >=2": {"web-frame": PLAIN}, "Store[FAST]": {"store": PLAIN, "speedups": EXTRA}}),
        Fake("web-frame", {"Part.A0": {"part-a0": PLAIN}, "store; extra == 'db'": {}}, SHARED),
        Fake(
            "store",
            {
                "speedups; extra == 'fast'": {},
                "part-a1 (>=1,<2)": {"part-a1": PLAIN},
                "part-d3; python_version >= '3'": {"part-d3": ENVIRONMENT},
            },
            SHARED,
        ),
        Fake("speedups", {"no-such-thing": {"no-such-thing": PLAIN}}, OTHER),
        Fake("circle_one", {"Circle.Two": {"circle-two": PLAIN}}),
        Fake("Circle.Two", {"circle-three; python_version >= '3'": {"circle-three": ENVIRONMENT}}),
        Fake("circle-three", {"circle-one": {"circle-one": PLAIN}, "part-d0": {"part-d0": PLAIN}}),
        Fake("itself", {"itself": {"itself": PLAIN}}, OTHER),
        Fake(
            "everything",
            {
                "everything[a,b]; extra == 'all'": {},
                "Part_B2; extra == 'b'": {},
                "gone.before ~=1.0": {"gone-before": PLAIN},
            },
        ),
        Fake("wants-everything", {"everything[all]": {"everything": PLAIN, "part-b2": EXTRA}}),
        Fake(
            "elsewhere",
            {
                "winning; python_version < '3'": {},
                "Part.C1": {"part-c1": PLAIN},
                "part-c1; python_version >= '3'": {"part-c1": ENVIRONMENT},
            },
            "alone\n",
        ),
        Fake("Old_Style", {"part-d1 (>1) and more": {}, "part-d1": {"part-d1": PLAIN}}),
    ]


def layers() -> list[Fake]:
    """Four layers of seven, each of which requires two of the next layer."""
    return [
        Fake(
            f"Part.{layer.upper()}{number}",
            {
                f"part_{after}{(number * step + step) % 7}": {f"part-{after}{(number * step + step) % 7}": PLAIN}
                for step in (1, 3)
                if after
            },
            SHARED if number == 3 else "",
        )
        for layer, after in (("a", "b"), ("b", "c"), ("c", "d"), ("d", ""))
        for number in range(7)
    ]


def fakes() -> dict[str, Fake]:
    return {fake.id: fake for fake in (*odd_ones(), *layers())}


class Truth:
    """What is true of installed distributions, found by walking plain dicts."""

    def __init__(self, installed: set[str], edges: Edges) -> None:
        self.edges = edges
        self.states = dict.fromkeys((name for edge in edges for name in edge), "missing")
        self.states.update(dict.fromkeys(installed, "installed"))

    @property
    def missing(self) -> dict[str, list[str]]:
        gone = sorted(name for name, state in self.states.items() if state == "missing")
        return {name: sorted(source for source, target in self.edges if target == name) for name in gone}

    @property
    def most_needed(self) -> str:
        needed = Counter(target for source, target in self.edges if source != target)
        return min(needed, key=lambda name: (-needed[name], name))

    def distances(self, start: str, *, backwards: bool = False) -> dict[str, int]:
        found, edge = {start: 0}, [start]
        while edge:
            reached = [
                (source if backwards else target)
                for source, target in self.edges
                if (target if backwards else source) in edge
            ]
            edge = [name for name in dict.fromkeys(reached) if name not in found]
            found.update(dict.fromkeys(edge, max(found.values()) + 1))
        return found

    def breaks(self, without: str) -> list[list[str]]:
        depths = self.distances(without, backwards=True)
        steps = range(1, max(depths.values()) + 1)
        return [sorted(name for name, depth in depths.items() if depth == step) for step in steps]


def truth_of(installed: Mapping[str, Fake]) -> Truth:
    edges: Edges = {}
    for fake in installed.values():
        for leads_to in fake.requires.values():
            for name, why in leads_to.items():
                edges[fake.id, name] = min(why, edges.get((fake.id, name), why), key=[PLAIN, ENVIRONMENT, EXTRA].index)
    return Truth(set(installed), edges)


def truth_of_this_interpreter() -> Truth:
    lines: dict[str, list[Requirement]] = {}
    for found in metadata.distributions():
        lines.setdefault(normal(found.metadata["Name"]), [Requirement(line) for line in found.requires or ()])

    def follow(name: str, extra: str, seen: frozenset[tuple[str, str]]) -> set[str]:
        found: set[str] = set()
        for line in lines.get(name, []) if (name, extra) not in seen else []:
            plainly = line.marker is None or line.marker.evaluate({"extra": ""})
            if (plainly and not extra) or (
                extra and not plainly and line.marker is not None and line.marker.evaluate({"extra": extra})
            ):
                found.add(normal(line.name))
                for wanted in line.extras:
                    found |= follow(normal(line.name), wanted, seen | {(name, extra)})
        return found

    return Truth(set(lines), {(name, other): "" for name in lines for other in follow(name, "", frozenset())})


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def texts(folder: Path) -> dict[str, bytes]:
    """The files that are to be stored, by the address that they get."""
    found = {}
    for place, _, names in os.walk(folder):
        inside = Path(place).relative_to(folder).parts
        for name in names:
            path = Path(place, name)
            id = normal(inside[0].removesuffix(".dist-info").rpartition("-")[0])
            found["/".join((id, *inside[1:], name))] = path.read_bytes()
    return found


def twice(found: Mapping[str, bytes]) -> list[dict[str, Any]]:
    copies: dict[bytes, list[str]] = {}
    for address in sorted(found):
        copies.setdefault(found[address], []).append(address)
    repeated = [
        {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "texts": addresses}
        for content, addresses in copies.items()
        if len(addresses) > 1
    ]
    return sorted(repeated, key=lambda one: (-one["size"] * (len(one["texts"]) - 1), one["texts"]))


def check_answers(found: dict[str, Any], truth: Truth, without: str, source: str, target: str) -> None:
    assert found["breaks"] == {"without": without, "steps": truth.breaks(without)}
    assert found["missing"] == truth.missing
    assert (found["chain"]["from"], found["chain"]["to"]) == (source, target)
    chain = found["chain"]["packages"]
    distance = truth.distances(source).get(target)
    if distance is None:
        assert chain is None
    else:
        assert (chain[0], chain[-1], len(chain)) == (source, target, distance + 1)
        assert set(pairwise(chain)) <= set(truth.edges)


def check_picture(file: Path, truth: Truth, without: str) -> None:
    text = file.read_text()
    root = ET.fromstring(text)  # noqa: S314 - what the example has just written
    assert root.get("role") == "img"
    assert root.findtext(f"{SVG}title")
    assert re.findall("https?:", text) == ["http:"]  # the namespace
    assert not re.search(r"<script|<image|href|@import|\son\w+=", text)
    names = [one.text for one in root.iter(f"{SVG}text") if one.get("class") == "name"]
    assert sorted(map(str, names)) == sorted(truth.states)
    drawn: dict[str, set[str | None]] = {"breaks": set(), "missing": set(), "without": set()}
    for group in root.iter(f"{SVG}g"):
        label = group.find(f"{SVG}text[@class='name']")
        for look in drawn if label is not None else ():
            if label is not None and look in (group.get("class") or "").split():
                drawn[look].add(label.text)
    broken = {name for step in truth.breaks(without) for name in step}
    assert drawn == {"breaks": broken, "missing": set(truth.missing), "without": {without}}
    curves = [one for one in root.iter(f"{SVG}path") if (one.get("class") or "").startswith("edge")]
    assert len(curves) == len(truth.edges)


def check_changes(
    found: dict[str, Any], before: Truth, after: Truth, old: dict[str, bytes], new: dict[str, bytes]
) -> None:
    assert found["written"]["objects"] == len([name for name in new if old.get(name) != new[name]])
    assert found["removed"]["objects"] == len(old.keys() - new.keys())
    assert found["written"]["nodes"] == len(after.states.items() - before.states.items())
    assert found["removed"]["nodes"] == len(before.states.keys() - after.states.keys())
    assert found["written"]["edges"] == len(after.edges.items() - before.edges.items())
    assert found["removed"]["edges"] == len(before.edges.keys() - after.edges.keys())


def check_stored(server: Server, installed: dict[str, Fake], folder: Path) -> None:
    """What is stored in the end is what is true, and nothing of what was true before."""
    url, headers = f"http://127.0.0.1:{server.port}/v1", {"Authorization": f"Bearer {server.token}"}
    truth = truth_of(installed)
    with httpx.Client(base_url=url, headers=headers, params={"limit": 1_000}, trust_env=False) as client:
        objects = {
            "/".join((*one["namespace"], one["key"])): one for one in client.get("/objects/packages/").json()["items"]
        }
        entries = client.get("/memory/packages/").json()["items"]
    with httpx.Client(base_url=url, headers=headers, params={"space": "installed"}, trust_env=False) as client:
        nodes = client.post("/graph:find", json={"label": "Package", "limit": 1_000}).json()["items"]
        edges: Edges = {}
        for name in truth.states:
            for found in client.get(f"/graph/nodes/Package/{name}/neighbors", params={"limit": 1_000}).json()["items"]:
                edges[name, found["node"]["id"]] = found["edge"]["properties"]["condition"]
        stats = client.get("/graph:stats").json()
    digests = {address: hashlib.sha256(content).hexdigest() for address, content in texts(folder).items()}
    assert {address: one["sha256"] for address, one in objects.items()} == digests
    assert {one["key"]: (one["value"]["name"], one["value"]["version"]) for one in entries} == {
        id: (fake.name, fake.version) for id, fake in installed.items()
    }
    holders = {id: {"state": "installed", "metadata": objects[f"{id}/METADATA"]["id"]} for id in installed}
    missing = {name: {"state": "missing"} for name in truth.missing}
    assert {node["id"]: node["properties"] for node in nodes} == {**holders, **missing}
    assert edges == truth.edges
    assert stats == {"nodes": {"Package": len(truth.states)}, "edges": {"REQUIRES": len(truth.edges)}}


def compare(environment: dict[str, str], folder: Path, *arguments: str) -> dict[str, Fake]:
    """Run from nothing, without a change, and after one. Return what is installed in the end."""
    installed = fakes()
    for fake in installed.values():
        fake.install(folder)
    nothing, truth, stored = Truth(set(), {}), truth_of(installed), texts(folder)
    assert len(installed) == 40
    picture = folder.parent / "picture.svg"
    arguments = ("--path", str(folder), *arguments)

    first = answers(environment, *arguments, "--picture", str(picture))
    without = truth.most_needed
    check_answers(first, truth, without, truth.breaks(without)[-1][0], without)
    check_changes(first, nothing, truth, {}, stored)
    check_picture(picture, truth, without)
    assert first["happened"] == {"new": sorted(installed), "changed": [], "unchanged": [], "gone": []}
    assert first["written"]["summaries"] == len(installed)
    assert first["twice"] == twice(stored)
    assert len(first["twice"]) == 2
    assert sorted(first["computed"]) == ["breaks", "chain", "missing", "twice"]
    assert first["unreadable"] == {"old-style": ["part-d1 (>1) and more"]}

    again = answers(environment, *arguments)
    check_changes(again, truth, truth, stored, stored)
    assert again["happened"] == {"new": [], "changed": [], "unchanged": sorted(installed), "gone": []}
    assert again["written"]["summaries"] == again["removed"]["summaries"] == 0
    assert again["computed"] == []
    assert all(again[name] == first[name] for name in ("breaks", "chain", "twice", "missing"))
    return compare_after_a_change(environment, folder, installed, *arguments)


def compare_after_a_change(
    environment: dict[str, str], folder: Path, installed: dict[str, Fake], *arguments: str
) -> dict[str, Fake]:
    """Remove one that is needed, one that is not, add one that was missing, and change what one needs."""
    before, old = truth_of(installed), texts(folder)
    changed = Fake("Circle.Two", {"part-d0": {"part-d0": PLAIN}, "not.there": {"not-there": PLAIN}}, version="1.1")
    for id in ("part-c1", "web-app", "circle-two"):
        installed.pop(id).remove(folder)
    for fake in (changed, Fake("No_Such.Thing", {"part-d2": {"part-d2": PLAIN}}, OTHER)):
        fake.install(folder)
        installed[fake.id] = fake
    truth, stored = truth_of(installed), texts(folder)
    questions = ("--remove", "Part.D2", "--from", "Store", "--to", "part_c1")

    found = answers(environment, *arguments, *questions)
    check_answers(found, truth, "part-d2", "store", "part-c1")
    check_changes(found, before, truth, old, stored)
    unchanged = sorted(set(installed) - {"circle-two", "no-such-thing"})
    happened = {"new": ["no-such-thing"], "changed": ["circle-two"], "gone": ["part-c1", "web-app"]}
    assert found["happened"] == {**happened, "unchanged": unchanged}
    assert (found["written"]["summaries"], found["removed"]["summaries"]) == (2, 2)
    assert found["twice"] == twice(stored)
    assert sorted(found["computed"]) == ["breaks", "chain", "missing", "twice"]

    page = folder.parent / "picture.html"
    last = answers(environment, *arguments, "--from", "part-d2", "--to", "store", "--picture", str(page))
    check_answers(last, truth, truth.most_needed, "part-d2", "store")
    assert last["chain"]["packages"] is None
    assert sorted(last["computed"]) == ["breaks", "chain"]
    assert page.read_text().startswith("<!doctype html>")
    assert page.read_text().count("<svg") == 1
    return installed


class GraphServer(Server):
    """A gateway that serves the example's graph model."""

    @property
    def environment(self) -> dict[str, str]:
        model = {"PYTHONPATH": str(EXAMPLE.parent), "UNISON_STORAGE_GRAPH_MODEL": "installed_packages:MODEL"}
        return {**super().environment, **model}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GraphServer]:
    server = GraphServer(tmp_path)
    server.start()
    yield server
    server.stop()


def test_in_process(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    installed = compare(Server(tmp_path).environment, tmp_path / "packages")
    check_stored(request.getfixturevalue("server"), installed, tmp_path / "packages")


def test_on_postgres_a_folder_and_redis(tmp_path: Path) -> None:
    cache = valkey.server()
    cache.start()
    urls = {
        "UNISON_STORAGE_DATABASE_URL": postgres.database(f"packages_{os.getpid()}"),
        "UNISON_STORAGE_OBJECT_URL": f"file://{tmp_path}/blobs",
        "UNISON_STORAGE_CACHE_URL": own(cache.url),
    }
    compare({**Server(tmp_path).environment, **urls}, tmp_path / "packages")


def test_through_the_gateway(tmp_path: Path, server: GraphServer) -> None:
    token = tmp_path / "token"
    token.write_text(server.token)
    environment = {name: value for name, value in server.environment.items() if not name.startswith("UNISON_STORAGE_")}
    gateway = ("--url", f"http://127.0.0.1:{server.port}", "--token-file", str(token))
    installed = compare(environment, tmp_path / "packages", *gateway)
    check_stored(server, installed, tmp_path / "packages")


def test_of_this_interpreter(tmp_path: Path) -> None:
    truth = truth_of_this_interpreter()
    picture = tmp_path / "picture.svg"
    found = answers(Server(tmp_path).environment, "--picture", str(picture))
    without = truth.most_needed
    assert found["packages"] == list(truth.states.values()).count("installed")
    assert found["written"]["edges"] == len(truth.edges)
    check_answers(found, truth, without, truth.breaks(without)[-1][0], without)
    check_picture(picture, truth, without)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--remove", "not-there"), "not-there is not installed, and nothing requires it"),
        (("--from", "itself"), "--from and --to belong together"),
        (("--picture", "picture.png"), "a picture is a .svg or a .html"),
    ],
)
def test_wrong_usage(tmp_path: Path, arguments: tuple[str, ...], complaint: str) -> None:
    fakes()["itself"].install(tmp_path / "packages")
    command = [sys.executable, str(EXAMPLE), "--path", str(tmp_path / "packages"), *arguments]
    run = subprocess.run(command, check=False, capture_output=True, text=True, env=Server(tmp_path).environment)
    assert run.returncode == 2
    assert complaint in run.stderr
