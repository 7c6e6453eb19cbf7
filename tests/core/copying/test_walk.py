"""That a copy is equal, whatever was there before, and wherever it was cut off."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.copying.surroundings import Thing, compared, copied, fill, storage, there
from unison_storage.errors import InvalidConfig, InvalidValue, SchemaOutOfDate
from unison_storage.keyspaces import Keyspace
from unison_storage.storage import Storage
from unison_storage.values import Node

pytestmark = pytest.mark.once

things = st.lists(
    st.builds(
        Thing,
        kind=st.sampled_from(["entry", "object", "node"]),
        key=st.sampled_from(["a", "b", "c", "ä", "z" * 200]),
        value=st.text(st.characters(exclude_categories=["C"]), max_size=20),
        person=st.sampled_from([None, "p1"]),
        lifetime=st.sampled_from([600.0, 3_000.0]),
        number=st.one_of(st.integers(-5, 5), st.floats(-1, 1), st.booleans()),
    ),
    max_size=12,
    unique_by=lambda one: (one.kind, one.key),
)

MANY = [
    Thing(kind, f"{number:03}", str(number), None, 600.0, number)
    for number in range(250)
    for kind in ("entry", "object", "node")
    if kind != "object" or number % 10 == 0
]


class Cut(Exception):
    """The copy ends here."""


@settings(max_examples=30, deadline=None)
@given(things, things)
def test_a_copy_is_equal_and_takes_nothing_away(here: list[Thing], before: list[Thing]) -> None:
    async def test() -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            await fill(there(folder, "from"), here)
            # what somebody else owns can't be had by merging, and is refused: see below
            owners = {one.key: one.person for one in here if one.kind == "node"}
            kept = [one for one in before if one.kind != "node" or owners.get(one.key, one.person) == one.person]
            await fill(there(folder, "to"), kept)
            await copied(there(folder, "from"), there(folder, "to"))
            seen = await compared(there(folder, "from"), there(folder, "to"))
            assert all(tally.equal for tally in seen), seen
            assert sum(tally.items for tally in seen) >= len(here)
            # what TO alone had is there still: compared the other way round it has all that it had and more
            own = {(one.kind, one.key) for one in kept} - {(one.kind, one.key) for one in here}
            beyond = sum(tally.beyond for tally in seen if tally.kind in ("memory", "objects"))
            held = {tally.kind for tally in seen}
            alone = {one for one in own if {"entry": "memory", "object": "objects"}.get(one[0]) in held}
            assert beyond == len(alone)
            again = await copied(there(folder, "from"), there(folder, "to"))
            assert all(tally.same == tally.items for tally in again), again

    asyncio.run(test())


@pytest.mark.parametrize("parts", [1, 2, 3, 4])
def test_a_copy_that_was_cut_off_goes_on_where_it_was(tmp_path: Path, parts: int) -> None:
    async def test() -> None:
        await fill(there(tmp_path, "from"), MANY)
        left = parts

        def cut(_moved: int) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise Cut

        with pytest.raises(Cut):
            await copied(there(tmp_path, "from"), there(tmp_path, "to"), cut)
        rest = await copied(there(tmp_path, "from"), there(tmp_path, "to"))
        assert 0 < sum(tally.same for tally in rest) < sum(tally.items for tally in rest)
        assert all(tally.equal for tally in await compared(there(tmp_path, "from"), there(tmp_path, "to")))

    asyncio.run(test())


def test_a_dry_run_counts_and_writes_nothing(tmp_path: Path) -> None:
    async def test() -> None:
        await fill(there(tmp_path, "from"), MANY)
        await fill(there(tmp_path, "to"), MANY[:3])
        would = await copied(there(tmp_path, "from"), there(tmp_path, "to"), dry_run=True)
        assert [(one.kind, one.items, one.same, one.different, one.missing) for one in would] == [
            # made at another time, an entry has another version and an object another id; a node has neither
            ("memory", 250, 0, 1, 249),
            ("objects", 25, 0, 1, 24),
            ("nodes", 250, 1, 0, 249),
            ("edges", 250, 1, 0, 249),
        ]
        assert await copied(there(tmp_path, "from"), there(tmp_path, "to"), dry_run=True) == would

    asyncio.run(test())


async def change(path: Path, kind: str) -> None:
    """Change one thing of a copy."""
    async with there(path, "to") as opened:
        if kind == "memory":
            await opened.memory.at("notes").put("001", "other", lifetime=600.0)
        elif kind == "lifetime":
            await opened.memory.at("notes").touch("001", lifetime=300.0)
        elif kind == "missing":
            await opened.memory.at("notes").delete("001")
        elif kind == "type":
            await opened.graph.everywhere().upsert_nodes([Node("Device", "001", {"a": 1.0})])
        else:
            await opened.objects.at("notes").put("010", b"10", content_type="text/html", lifetime=600.0)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("memory", ("memory", 1, 0)),
        ("lifetime", ("memory", 1, 0)),
        ("missing", ("memory", 0, 1)),
        ("type", ("nodes", 1, 0)),
        ("objects", ("objects", 1, 0)),
    ],
)
def test_each_difference_is_found_and_mended(tmp_path: Path, kind: str, told: tuple[str, int, int]) -> None:
    async def test() -> None:
        await fill(there(tmp_path, "from"), MANY)
        await copied(there(tmp_path, "from"), there(tmp_path, "to"))
        await change(tmp_path, kind)
        seen = await compared(there(tmp_path, "from"), there(tmp_path, "to"))
        differ = [(one.kind, one.different, one.missing) for one in seen if not one.equal]
        assert differ == [told]
        await copied(there(tmp_path, "from"), there(tmp_path, "to"))
        assert all(one.equal for one in await compared(there(tmp_path, "from"), there(tmp_path, "to")))

    asyncio.run(test())


def test_bytes_that_are_not_what_they_were_count_as_missing(tmp_path: Path) -> None:
    def to() -> Storage:
        return storage(f"sqlite:///{tmp_path}/to.db", object=f"file://{tmp_path}/blobs")

    async def test() -> None:
        await fill(there(tmp_path, "from"), [Thing("object", "a", "bytes", None, None, 0)])
        await copied(there(tmp_path, "from"), to())
        [file] = [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]
        file.write_bytes(b"other")
        [seen] = await compared(there(tmp_path, "from"), to())
        assert (seen.missing, seen.equal) == (1, False)

    asyncio.run(test())


def test_what_to_can_not_hold_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    async def test() -> None:
        await fill(there(tmp_path, "from"), MANY[:3])
        for missing in ("object_url", "keeps no memory of keyspace 'notes'", "graph_url"):
            given = {
                "object_url": {"memory": f"sqlite:///{tmp_path}/to.db", "graph": f"sqlite:///{tmp_path}/to.db"},
                "graph_url": dict.fromkeys(("memory", "object", "object_index"), f"sqlite:///{tmp_path}/to.db"),
            }.get(missing, dict.fromkeys(("graph", "object", "object_index"), f"sqlite:///{tmp_path}/to.db"))
            with pytest.raises(InvalidConfig, match=missing):
                await copied(there(tmp_path, "from"), storage(None, **given))  # type: ignore[arg-type]
        await fill(there(tmp_path, "to"), [])
        assert all(one.same == 0 for one in await compared(there(tmp_path, "from"), there(tmp_path, "to")))

    asyncio.run(test())


def test_every_keyspace_of_from_has_to_have_a_place(tmp_path: Path) -> None:
    def to(*names: str) -> Storage:
        own = [Keyspace(name=name, url=f"sqlite:///{tmp_path}/{name}.db") for name in names]
        return Storage(keyspaces=own, profile="test")

    async def test() -> None:
        async with there(tmp_path, "from") as opened:
            for name in ("drafts", "drafts:old", "notes"):
                for key in ("a", "b"):
                    await opened.memory.at(name).put(key, name, lifetime=600.0)
        with pytest.raises(InvalidConfig, match="keyspace 'notes'"):
            await copied(there(tmp_path, "from"), to("drafts", "drafts:old"))
        with pytest.raises(InvalidConfig, match="keyspace 'drafts:old'"):
            await copied(there(tmp_path, "from"), to("drafts", "notes"))
        everything = to("drafts", "drafts:old", "notes")
        [done] = await copied(there(tmp_path, "from"), everything)
        assert done.missing == 6
        async with to("drafts", "drafts:old", "notes") as opened:
            assert [await opened.memory.at(name).count() for name in ("drafts", "drafts:old", "notes")] == [2, 2, 2]

    asyncio.run(test())


def test_a_node_of_another_person_is_never_given_to_the_one_of_from(tmp_path: Path) -> None:
    async def test() -> None:
        await fill(there(tmp_path, "from"), [Thing("node", "a", "", "p1", None, 1)])
        await fill(there(tmp_path, "to"), [Thing("node", "a", "", "p2", None, 1)])
        with pytest.raises(InvalidValue, match="TO has a node Device of another person"):
            await copied(there(tmp_path, "from"), there(tmp_path, "to"))

    asyncio.run(test())


def test_a_schema_of_from_is_left_as_it_is(tmp_path: Path) -> None:
    async def test() -> None:
        with pytest.raises(SchemaOutOfDate, match="FROM: "):
            await copied(there(tmp_path, "from"), there(tmp_path, "to"))

    asyncio.run(test())
