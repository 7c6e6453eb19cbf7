"""Laws of plugins: how a module describes itself and what its hooks make. What the backends do stands elsewhere."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Final

from msgspec.structs import replace

from unison_storage.assembly import CONTRACTS
from unison_storage.contracts.backend import API_VERSION, KINDS
from unison_storage.errors import InvalidConfig
from unison_storage.plugins import Plugin, installed
from unison_storage_conformance.law import Need, law
from unison_storage_conformance.outcomes import broken, holds, same
from unison_storage_conformance.target import Target

HEAVY: Final = frozenset(
    (
        *("aiosqlite", "sqlite3", "sqlalchemy", "alembic", "psycopg", "psycopg2", "asyncpg", "pymysql", "mysql"),
        *("redis", "valkey", "hiredis", "neo4j", "pymongo", "motor", "boto3", "botocore", "aioboto3", "s3fs", "fsspec"),
        *("obstore", "httpx", "aiohttp", "requests", "fastapi", "starlette", "flask", "django", "uvicorn", "grpc"),
        *("lmdb", "duckdb", "cassandra", "elasticsearch", "kafka", "minio"),
    )
)
"""Drivers and web frameworks: what takes time to import, and fails where it is not installed."""

IO: Final = ("socket.connect", "socket.bind", "sqlite3.connect", "subprocess.Popen", "os.mkdir")
"""What the interpreter says of whoever reaches out; reading files is not among it, since imports do."""

_LOOK: Final = """
import json, sys
opened = []
def audit(event, arguments):
    if event in sys.argv[2:]:
        opened.append(event)
sys.addaudithook(audit)
from importlib import import_module
module = import_module(sys.argv[1])
describe = getattr(module, "backend_specs", None)
if describe is not None:
    list(describe())
print(json.dumps({"modules": sorted({name.partition(".")[0] for name in sys.modules}), "events": opened}))
"""


def plugin_of(target: Target) -> Plugin:
    """Return the plugin of a target, which has one wherever laws of plugins are tried."""
    assert target.plugin is not None  # noqa: S101 - see above
    return target.plugin


@law("plugin.1")
async def it_is_imported_and_its_hooks_fit(target: Target) -> None:
    holds(plugin_of(target).hooks is not None, "it is a module with hooks")  # pluggy has compared names and arguments


@law("plugin.2")
async def importing_it_is_light(target: Target) -> None:
    name = plugin_of(target).found.module
    command = [
        sys.executable,
        "-c",
        f"import sys; sys.path[:0] = {[one for one in sys.path if one]!r}\n{_LOOK}",
        name,
        *IO,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: ASYNC221, S603 - alone here
    holds(done.returncode == 0, f"{name} can be imported by itself", found=done.stderr[-400:])
    seen = json.loads(done.stdout.splitlines()[-1])
    same(sorted(HEAVY & set(seen["modules"])), [], "importing a plugin imports no driver and no web framework")
    same(seen["events"], [], "importing a plugin does no I/O")


@law("plugin.3")
async def it_describes_every_scheme_of_its_entry_points(target: Target) -> None:
    plugin = plugin_of(target)
    described = {scheme: spec for spec in plugin.hooks.backend_specs() for scheme in spec.schemes}
    claimed = [found.scheme for found in installed() if found.module == plugin.found.module]
    same(sorted(set(claimed) - described.keys()), [], "each scheme that an entry point claims is described")
    for scheme, spec in described.items():
        same(spec.api_version, API_VERSION, f"{scheme} is for this API version")
        unknown = sorted(set(spec.kinds) - {*KINDS, "object_index"})
        same(unknown, [], f"{scheme} serves kinds that there are")
        holds(spec.kinds, f"{scheme} serves a kind", found=spec.kinds)


@law("plugin.4")
async def its_backends_are_as_described(target: Target) -> None:
    spec = plugin_of(target).spec
    capabilities: set[str] = set()
    for part in target.parts():
        backend = target.make(part, target.context())
        contract = CONTRACTS[part]
        holds(
            isinstance(backend, contract),
            f"the hook for {part} makes a {contract.__name__}",
            found=type(backend).__name__,
        )
        same(backend.name, spec.name, f"the name of {part} is the described one")
        same(backend.durability, spec.durability, f"the durability of {part} is the described one")
        same(backend.production_ready, spec.production_ready, f"{part} is as ready for production as described")
        capabilities |= backend.capabilities
    if target.harness.kinds is None:
        same(sorted(spec.capabilities), sorted(capabilities), "the capabilities are those of the backends")


@law("plugin.5")
async def unknown_options_are_refused(target: Target) -> None:
    assert target.url is not None  # noqa: S101 - see above
    strange = replace(target.url, options={**target.url.options, "no_such_option": "1"})
    try:
        strange.convert(plugin_of(target).spec.options)
    except InvalidConfig as error:
        holds("no_such_option" in error.message, "the message names the option", found=error.message)
        return
    broken("an unknown option is refused", expected="InvalidConfig", found="it was taken")


@law("plugin.6")
async def making_a_backend_does_no_io(target: Target) -> None:
    events: list[str] = []
    watching = [True]

    def audit(event: str, _arguments: object) -> None:
        if watching[0] and event in IO:
            events.append(event)

    for part in target.parts():
        target.make(part, target.context())  # what is imported late is imported now, and may read files
    sys.addaudithook(audit)
    try:
        for part in target.parts():
            target.make(part, target.context())
    finally:
        watching[0] = False
    same(events, [], "making a backend does no I/O")


@law("plugin.7", needs=[Need.MIGRATIONS])
async def migrations_tell_and_apply(target: Target) -> None:
    migrations = target.migrations()
    assert migrations is not None  # noqa: S101 - it is what the check needs
    before = await migrations.state()
    same(await migrations.state(), before, "asking for the state changes nothing")
    holds(before.current, "the schema is current after it was applied", found=before)
    same(await migrations.apply(), before, "applying twice is applying once")
