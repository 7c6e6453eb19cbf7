"""Where a kind may be read beside where it is kept: how it is set, what is refused, and what guard rails see of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from unison_storage.assembly import READ, STALENESS, places
from unison_storage.config import load
from unison_storage.copying import side
from unison_storage.errors import InvalidConfig
from unison_storage.plugins import Plugins
from unison_storage.storage import Storage

PRIMARY, REPLICA = "postgresql://ann@db-1/app?sslmode=verify-full", "postgresql://ann@db-2/app"
SETTING = READ["memory"]


def test_a_replica_stands_with_its_kind_and_guard_rails_see_it() -> None:
    given = {"database": PRIMARY, "memory_read": REPLICA}
    memory, index, _ = places(given, [], Plugins(), 5.0)
    assert memory.replica is not None
    assert index.replica is None
    seen = memory.served_at_replica
    assert seen is not None
    assert (seen.kind, seen.setting, seen.target) == ("memory", SETTING, memory.replica)
    broken = Storage(PRIMARY, memory_read=REPLICA, read_staleness=5.0).findings()
    assert [(one.rule, one.setting) for one in broken] == [("postgres-tls", SETTING)]


@pytest.mark.parametrize(
    ("database", "staleness", "told"),
    [
        (PRIMARY, None, f"{SETTING}: say by {STALENESS} how many seconds old an answer may be"),
        ("sqlite:///a.db", 5.0, f"{SETTING}: a replica is of what serves memory, and that is not on postgresql"),
        (None, 5.0, f"{SETTING}: a replica is of what serves memory"),
    ],
)
def test_a_replica_of_nothing_and_one_of_any_age_are_refused(
    database: str | None, staleness: float | None, told: str
) -> None:
    with pytest.raises(InvalidConfig, match=told):
        places({"database": database, "memory_read": REPLICA}, [], Plugins(), staleness)


def test_what_has_no_replicas_is_told(tmp_path: Path) -> None:
    storage = Storage(
        f"sqlite:///{tmp_path}/a.db", memory_read=f"sqlite:///{tmp_path}/b.db", read_staleness=1.0, profile="test"
    )
    with pytest.raises(InvalidConfig, match=f"{SETTING}: sqlite has no replicas that can be read"):
        asyncio.run(storage.open())


def test_both_come_from_the_environment_and_no_copy_reads_a_replica(tmp_path: Path) -> None:
    environ = {"UNISON_STORAGE_DATABASE_URL": PRIMARY, SETTING: REPLICA, STALENESS: "5"}
    assert [place.replica is not None for place in Storage(**load(environ).arguments()).places()] == [
        True,
        False,
        False,
    ]
    file = tmp_path / "from.toml"
    file.write_text(f'database_url = "{PRIMARY}"\nmemory_read_url = "{REPLICA}"\nread_staleness = 5\n')
    assert not any(place.replica for place in side.described(str(file), "FROM", read=True).places())
    with pytest.raises(InvalidConfig, match="read_staleness"):
        load({STALENESS: "0"})
