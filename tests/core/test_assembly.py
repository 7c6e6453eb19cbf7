"""Assembly: which URL serves which kind, in which layers, and with which migrations."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.distributions import Packages, described
from unison_storage.assembly import DATABASE, SETTINGS, Layering, backend_of, migrations_of, places, prepare
from unison_storage.capabilities import Limits
from unison_storage.clock import SystemClock
from unison_storage.contracts.backend import Durability
from unison_storage.contracts.context import Context
from unison_storage.contracts.memory import Put
from unison_storage.contracts.migrations import SchemaState, Step
from unison_storage.errors import AccessDenied, InvalidConfig, SchemaOutOfDate, UnknownScheme
from unison_storage.keyspaces import Keyspace
from unison_storage.layers.retry import Patience
from unison_storage.plugins import Plugins
from unison_storage.profiles import Profile
from unison_storage.reference.memory import ReferenceMemory
from unison_storage.reference.objects import ReferenceBlobs, ReferenceObjectIndex
from unison_storage.targets import Target
from unison_storage.telemetry import Telemetry
from unison_storage.testing import ManualClock

CANARY = "canary-7f3a"
OWN = {"memory": "UNISON_STORAGE_MEMORY_URL", "object": "UNISON_STORAGE_OBJECT_URL"}
OWN |= {"object_index": "UNISON_STORAGE_OBJECT_INDEX_URL", "graph": "UNISON_STORAGE_GRAPH_URL"}
OWN |= {"cache": "UNISON_STORAGE_CACHE_URL"}


def context() -> Context:
    return Context(Profile.TEST, SystemClock(), Telemetry())


def placed(plugins: Plugins | None = None, keyspaces: list[Keyspace] | None = None, **given: Any) -> dict[str, str]:
    """Return which setting serves each kind."""
    found = places(given, keyspaces or [], plugins or Plugins())
    return {f"{one.kind} {one.keyspace.name}" if one.keyspace else one.kind: one.setting for one in found}


def as_given(kinds: set[str], url: str = "reference://") -> dict[str, Any]:
    return dict.fromkeys(kinds, url)


# ----------------------------------------------------------------------------------------------------------- places


@given(named=st.sets(st.sampled_from(["database", *OWN])))
@settings(deadline=None, max_examples=30)
def test_a_kind_is_served_by_its_own_url_before_the_database_before_the_url_of_objects(named: set[str]) -> None:
    expected = {kind: setting for kind, setting in OWN.items() if kind in named}
    if "database" in named:
        expected = {kind: expected.get(kind, DATABASE) for kind in OWN}
    elif "object" in named and "object_index" not in named:
        expected["object_index"] = OWN["object"]
    assert placed(**as_given(named)) == expected


def test_settings_of_every_kind_are_named_after_it() -> None:
    assert {kind: f"UNISON_STORAGE_{kind.upper()}_URL" for kind in SETTINGS} == SETTINGS
    assert placed() == {}


@pytest.mark.parametrize("kind", ["object", "object_index", "graph", "cache"])
def test_a_url_of_a_plugin_that_does_not_serve_the_kind_is_refused(packages: Packages, kind: str) -> None:
    packages.plugin("mine", described("spec('mine', kinds=('memory',))"))
    with pytest.raises(
        InvalidConfig, match=rf"{OWN[kind]}: storage-mine does not serve {kind} at mine: it serves memory"
    ):
        placed(**as_given({kind}, f"mine://u:{CANARY}@h"))
    assert placed(database="mine://h") == {"memory": DATABASE}


def test_the_blobs_of_one_plugin_and_the_index_of_another_are_told_apart(packages: Packages) -> None:
    packages.plugin("files", described("spec('files', kinds=('object',))"))
    packages.plugin("rows", described("spec('rows', kinds=('memory', 'object_index'))"))
    assert placed(database="rows://h", object="files:///x") == {
        "object": OWN["object"],
        "memory": DATABASE,
        "object_index": DATABASE,
    }


@pytest.mark.parametrize("value", [5, b"reference://", object(), ReferenceBlobs(SystemClock()), ReferenceMemory])
def test_what_is_neither_url_nor_backend_of_the_kind_is_refused(value: Any) -> None:
    with pytest.raises(InvalidConfig, match=r"UNISON_STORAGE_MEMORY_URL: .* is neither a URL nor a backend for memory"):
        placed(memory=value)


@pytest.mark.parametrize("value", ["", "reference", "/data/x.db"])
def test_what_is_no_url_is_refused_by_its_setting(value: str) -> None:
    for kind, setting in {**OWN, "database": DATABASE}.items():
        with pytest.raises(InvalidConfig, match=setting):
            placed(**as_given({kind}, value))


@pytest.mark.parametrize(
    ("name", "variable"), [("mine", "MINE"), ("auth:tokens", "AUTH_TOKENS"), ("a.b-c_d", "A_B_C_D"), ("a::b", "A__B")]
)
def test_the_url_of_a_keyspace_is_named_by_the_variable_that_would_set_it(name: str, variable: str) -> None:
    setting = f"UNISON_STORAGE_KEYSPACES__{variable}__URL"
    found = placed(keyspaces=[Keyspace(name=name, url="reference://")])
    assert found == {f"memory {name}": setting, f"cache {name}": setting}
    with pytest.raises(UnknownScheme, match=f"^{setting}: "):
        placed(keyspaces=[Keyspace(name=name, url="nosuch://")])


def test_guards_see_scheme_and_durability_and_no_secret() -> None:
    clock = ManualClock()
    keyspace = Keyspace(name="mine", durable=False, url=f"reference://u:{CANARY}@h")
    given = {"memory": f"REFERENCE://u:{CANARY}@h", "object": ReferenceBlobs(clock)}
    memory, blobs, own, cache = [place.served for place in places(given, [keyspace], Plugins())]
    assert CANARY not in repr([memory, blobs, own, cache])
    assert (memory.scheme, memory.durability, memory.durable_wanted) == ("reference", Durability.PROCESS, True)
    assert (blobs.scheme, blobs.durability, blobs.setting) == ("ReferenceBlobs()", Durability.PROCESS, OWN["object"])
    assert (own.kind, own.durable_wanted, own.production_ready) == ("memory", False, False)
    assert (cache.kind, cache.durable_wanted, cache.production_ready) == ("cache", False, False)


def test_a_keyspace_is_kept_by_the_kinds_that_its_url_serves_and_by_one_at_least(packages: Packages) -> None:
    packages.plugin("only", described("spec('only', kinds=('cache',))"))
    packages.plugin("none", described("spec('none', kinds=('object', 'graph'))"))
    setting = "UNISON_STORAGE_KEYSPACES__MINE__URL"
    assert placed(keyspaces=[Keyspace(name="mine", url="only://h")]) == {"cache mine": setting}
    with pytest.raises(InvalidConfig, match=f"{setting}: storage-none serves neither memory nor cache at none"):
        placed(keyspaces=[Keyspace(name="mine", url="none://h")])


def test_a_cache_need_not_be_durable() -> None:
    (place,) = places({"cache": "reference://"}, [], Plugins())
    assert not place.served.durable_wanted


# ------------------------------------------------------------------------------------------------------- migrations


class Schema:
    """The schema of a database, as its migrations see it."""

    def __init__(self, have: str | None, want: str = "2") -> None:
        self.have = have
        self.want = want
        self.applied = 0

    async def state(self) -> SchemaState:
        return SchemaState(self.have, self.want, () if self.have == self.want else (Step("s", "t"),))

    async def apply(self) -> SchemaState:
        self.applied += 1
        self.have = self.want
        return await self.state()


@pytest.mark.parametrize("profile", [Profile.TEST, Profile.DEVELOPMENT])
@pytest.mark.parametrize("have", [None, "1", "2"])
def test_where_one_tries_things_out_schemas_are_brought_up_to_date(profile: Profile, have: str | None) -> None:
    schema = Schema(have)
    asyncio.run(prepare({"a://h": schema}, profile))
    assert (schema.have, schema.applied) == ("2", 1)


@pytest.mark.parametrize("profile", [Profile.PRODUCTION, Profile.STAGING])
@pytest.mark.parametrize("have", [None, "1", "3"])
def test_elsewhere_a_schema_that_differs_is_refused_and_untouched(profile: Profile, have: str | None) -> None:
    schema = Schema(have)
    with pytest.raises(SchemaOutOfDate, match="unison-storage migrate") as caught:
        asyncio.run(prepare({"fine://h": Schema("2"), "a://h": schema}, profile))
    assert (caught.value.have, caught.value.want) == (have, "2")
    assert "a://h" in str(caught.value)
    assert (schema.have, schema.applied) == (have, 0)


@pytest.mark.parametrize("profile", list(Profile))
def test_a_schema_that_is_current_lets_every_profile_open(profile: Profile) -> None:
    asyncio.run(prepare({"a://h": Schema("2")}, profile))


MIGRATIONS = """
class Migrations:
    def __init__(self, target):
        self.target = target

    async def state(self): ...
    async def apply(self): ...


@hookimpl
def migrations(target, context):
    return Migrations(target)
"""


def migrated(packages: Packages, *urls: str) -> list[Any]:
    """Return the targets of the migrations of a set-up: a database URL, then those of keyspaces."""
    packages.plugin("mine", MIGRATIONS + described("spec('mine', kinds=('memory', 'object_index'))"))
    keyspaces = [Keyspace(name=f"k{number}", url=url) for number, url in enumerate(urls[1:])]
    plugins = Plugins()
    found = migrations_of(places({"database": urls[0]}, keyspaces, plugins), plugins, context())
    assert all(CANARY not in url for url in found)
    made: list[Any] = list(found.values())
    return [one.target for one in made]


def test_one_database_is_migrated_once_for_all_its_kinds(packages: Packages) -> None:
    url = f"mine://u:{CANARY}@h/d?schema=a"
    assert len(migrated(packages, url, url)) == 1


@pytest.mark.parametrize(
    ("url", "other"),
    [
        ("mine://h/a", "mine://h/b"),
        ("mine://h/a?schema=one", "mine://h/a?schema=two"),
        ("mine://one@h/a", "mine://two@h/a"),
        ("mine://h/a%3Fschema=***", "mine://h/a?schema=one"),
    ],
)
def test_two_databases_are_both_migrated_even_where_their_urls_look_alike_when_masked(
    packages: Packages, url: str, other: str
) -> None:
    assert len(migrated(packages, url, other)) == 2


def test_the_owner_of_a_schema_replaces_the_urls_of_its_own_scheme_alone(packages: Packages) -> None:
    body = MIGRATIONS + described("spec('{0}', kinds=('memory', 'object_index'))")
    for scheme in ("mine", "other"):
        packages.plugin(scheme, body.replace("{0}", scheme))
    plugins = Plugins()
    found = places({"memory": "mine://app@h/a", "object_index": "other://app@h/a"}, [], plugins)
    owner = Target.parse(f"mine://owner:{CANARY}@h/a")
    made: dict[str, Any] = dict(migrations_of(found, plugins, context(), owner))
    assert {url: one.target for url, one in made.items()} == {
        "mine://owner:***@h/a": owner,
        "other://app@h/a": found[1].target,
    }


def test_a_plugin_without_a_schema_has_no_migrations(packages: Packages) -> None:
    packages.plugin("mine", described("spec('mine')"))
    plugins = Plugins()
    assert migrations_of(places({"database": "mine://h"}, [], plugins), plugins, context()) == {}


# ----------------------------------------------------------------------------------------------------------- layers


class Own(ReferenceMemory):
    batching = "own"
    limits = Limits(batch=7)


def assembled(backend: Any, layering: Layering, kind: str = "memory") -> Any:
    (place,) = places({kind: backend}, [], Plugins())
    return backend_of(place, Plugins(), context(), layering)


def test_a_backend_that_batches_by_itself_gets_no_layer_that_nobody_asked_for() -> None:
    own = Own(ManualClock())
    assert assembled(own, Layering()) is own
    assert assembled(ReferenceMemory(ManualClock()), Layering()) is not own


@pytest.mark.parametrize(
    "layering",
    [Layering(), Layering(patience=Patience()), Layering(deadline=1.0), Layering(True, Patience(), 1.0)],
)
@pytest.mark.parametrize("make", [ReferenceMemory, Own, ReferenceObjectIndex])
def test_layers_pass_on_what_the_backend_declares(layering: Layering, make: Any) -> None:
    backend = make(ManualClock())
    kind = "object_index" if make is ReferenceObjectIndex else "memory"
    outer = assembled(backend, layering, kind)
    for name in ("name", "durability", "capabilities", "consistency", "batching", "limits"):
        assert getattr(outer, name) == getattr(backend, name)
    assert asyncio.run(outer.now()) == ManualClock().now()


def test_read_only_stands_outermost() -> None:
    async def write_and_read() -> Any:
        backend = ReferenceMemory(ManualClock())
        outer = assembled(backend, Layering(read_only=True, patience=Patience(), deadline=5.0))
        with pytest.raises(AccessDenied):
            await outer.put_many([Put("a\x1fk", b"1", "v", None)])
        with pytest.raises(AccessDenied):
            await outer.get_many(["a\x1fk"], 5)
        return await outer.get_many(["a\x1fk"]), await backend.count("")

    assert asyncio.run(write_and_read()) == ([None], 0)


def test_a_plugin_that_makes_no_backend_is_named_with_the_setting(packages: Packages) -> None:
    hook = "\n@hookimpl\ndef object_index_backend(target, context):\n    return None\n"
    packages.plugin("mine", hook + described("spec('mine', kinds=('object_index', 'object'))"))
    plugins = Plugins()
    for place in places({"database": "mine://h"}, [], plugins):
        with pytest.raises(InvalidConfig, match=f"{DATABASE}: storage-mine made no backend for {place.kind}"):
            backend_of(place, plugins, context(), Layering())
