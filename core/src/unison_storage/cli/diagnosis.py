"""Diagnosis: what has to hold before a service can start, checked in order, writing nothing. Not how it is shown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Container, Iterable, Iterator
from typing import TYPE_CHECKING, Final

from unison_storage.cli.checks import KEYSPACE, PATIENCE, SERVER, Check, State, failed, origin_of, silent
from unison_storage.cli.findings import gathered
from unison_storage.cli.records import count
from unison_storage.cli.token_checks import token_checks
from unison_storage.errors import StorageError
from unison_storage.keyspaces import label_of

if TYPE_CHECKING:
    from unison_storage.config import Loaded
    from unison_storage.contracts.backend import Backend
    from unison_storage.contracts.migrations import SchemaState
    from unison_storage.plugins import Plugins
    from unison_storage.storage import Storage
    from unison_storage.values import Health

GROUPS: Final = ("settings", "plugins", "guard rails", "schemas", "backends", "tokens")
_ALL: Final = "schemas"


async def diagnose() -> list[Check]:
    """Return all checks in order; what depends on one that failed is not reached."""
    from unison_storage.config import load
    from unison_storage.plugins import Plugins
    from unison_storage.storage import Storage

    try:
        loaded = load()
        storage = Storage(**loaded.arguments())
    except StorageError as error:
        remedy = "correct the setting, or leave it out"
        broken = failed("settings", "load", error, remedy=remedy)
        return [broken, *_not_reached(GROUPS[1:], "the settings do not load")]
    there = count(len(loaded.origins), "setting")
    checks = [Check("settings", "load", "ok", f"profile {loaded.settings.profile}, {there} given")]
    checks.append(_model(storage, loaded))
    plugins = Plugins(loaded.settings.plugins)
    served = list(_urls(loaded, plugins))
    if not _any_failed(served):
        served += _kinds(storage)
    checks += served
    if _any_failed(served):
        checks += _not_reached(GROUPS[2:5], "the plugins are not in order")
    else:
        checks += _rules(storage, loaded)
        schemas = [check async for check in _schemas(storage)]
        checks += schemas
        checks += [check async for check in _backends(storage, plugins, loaded, _unready(schemas))]
    return [*checks, *token_checks(loaded)]


def _model(storage: Storage, loaded: Loaded) -> Check:
    from unison_storage.graph_model import SETTING

    origin = origin_of(SETTING, loaded)
    try:
        model = storage.graph_model()
    except StorageError as error:
        remedy = "install its module, correct the setting, or leave it out for the model of UnisonOS"
        return failed("settings", "graph model", error, SETTING, origin, remedy)
    parts = (
        count(len(model.labels), "label"),
        count(len(model.relationships), "relationship type"),
        count(len(model.properties), "property", "properties"),
    )
    whose = loaded.settings.graph_model or "that of UnisonOS"
    return Check("settings", "graph model", "ok", f"{whose}: {', '.join(parts)}", SETTING, origin)


def _urls(loaded: Loaded, plugins: Plugins) -> Iterator[Check]:
    from unison_storage.assembly import DATABASE, OFFERED, READ, SETTINGS
    from unison_storage.targets import Target

    settings = loaded.settings
    urls = {DATABASE: settings.database_url, **{SETTINGS[kind]: getattr(settings, f"{kind}_url") for kind in SETTINGS}}
    urls |= {READ[kind]: getattr(settings, f"{kind}_read_url") for kind in READ}
    urls |= {f"{KEYSPACE}{label_of(one.name)}__URL": one.url for one in loaded.keyspaces}
    unused = {SETTINGS[kind]: kind for kind in SETTINGS if kind not in OFFERED}
    for setting, url in urls.items():
        origin = origin_of(setting, loaded)
        if url is None:
            continue
        if setting in unused:
            message = f"has no effect: this version serves no {unused[setting]}"
            yield Check("plugins", setting, "warning", message, setting, origin, "remove it")
            continue
        remedy = None
        try:
            target = Target.parse(url, setting)
            remedy = _install(target.scheme)
            plugin = plugins.serving(target.scheme, setting)
            target.convert(plugin.spec.options)
            found = plugin.found
        except StorageError as error:
            yield failed("plugins", setting, error, setting, origin, remedy)
        else:
            message = f"{target.masked} by {found.distribution} {found.version}"
            yield Check("plugins", setting, "ok", message, setting, origin)


def _install(scheme: str) -> str | None:
    from unison_storage.plugins import KNOWN, installed

    name = KNOWN.get(scheme.partition("+")[0])
    missing = name is not None and name not in {found.distribution for found in installed()}
    return f"pip install {name}" if missing else None


def _kinds(storage: Storage) -> Iterator[Check]:
    from unison_storage.assembly import DATABASE, OFFERED, SETTINGS

    try:
        kinds = {place.kind for place in storage.places()}
    except StorageError as error:
        yield failed("plugins", "kinds", error)
        return
    if not kinds:
        remedy = f"set {DATABASE}, for example to sqlite:///data/app.db with UNISON_STORAGE_PROFILE=development"
        yield Check(
            "plugins", "kinds", "failed", "nothing is set that could keep anything", DATABASE, "default", remedy
        )
        return
    for kind in OFFERED:
        if kind in kinds or (kind == "object_index" and "object" not in kinds):
            continue
        # bytes without an index can't be found again, so this is no matter of taste
        state: State = "failed" if kind == "object_index" else "warning"
        remedy = f"set {SETTINGS[kind]} or {DATABASE}"
        yield Check("plugins", kind, state, f"nothing serves {kind}", SETTINGS[kind], "default", remedy)


def _rules(storage: Storage, loaded: Loaded) -> Iterator[Check]:
    broken = gathered(storage.findings())
    for one in broken:
        finding = one.finding
        state: State = "failed" if finding.severity == "refuse" else "warning"
        message = f"{one.message} ({', '.join(one.kinds)})"
        origin = origin_of(finding.setting, loaded)
        yield Check("guard rails", finding.rule, state, message, finding.setting, origin, finding.remedy)
    if not broken:
        yield Check("guard rails", str(storage.profile), "ok", "no rule is broken")


async def _schemas(storage: Storage) -> AsyncIterator[Check]:
    try:
        found = storage.migrations()
    except StorageError as error:
        yield failed("schemas", _ALL, error)
        return
    for database, one in found.items():
        try:
            async with asyncio.timeout(PATIENCE):
                state = await one.state()
        except StorageError as error:
            yield failed("schemas", database, error)
        except TimeoutError:
            yield silent("schemas", database)
        else:
            yield _schema(database, state, strict=storage.profile.strict)
    if not found:
        yield Check("schemas", _ALL, "ok", "nothing here has one")


def _schema(database: str, state: SchemaState, *, strict: bool) -> Check:
    have = f"has {state.have}" if state.have is not None else "has no schema yet"
    if state.current:
        return Check("schemas", database, "ok", f"{have}, which is current")
    if not state.steps:
        message = f"{have}, which is ahead of {state.want}"
        return Check("schemas", database, "failed", message, remedy="upgrade unison-storage")
    message = f"{have}, this version wants {state.want}"
    if strict:
        return Check("schemas", database, "failed", message, remedy="unison-storage migrate")
    remedy = "unison-storage migrate makes it now"
    return Check("schemas", database, "warning", f"{message}; the next use makes it", remedy=remedy)


async def _backends(
    storage: Storage, plugins: Plugins, loaded: Loaded, unready: Container[str]
) -> AsyncIterator[Check]:
    from unison_storage.assembly import Layering, backend_of
    from unison_storage.contracts.context import Context

    context = Context(storage.profile, storage.clock, storage.telemetry)
    for place in storage.places():
        name = place.kind if place.keyspace is None else f"{place.kind} of {place.keyspace.name}"
        if _ALL in unready or (place.target is not None and place.target.masked in unready):
            yield Check("backends", name, "not reached", "its schema is not in order")
            continue
        origin = origin_of(place.setting, loaded)
        try:
            health = await _health(backend_of(place, plugins, context, Layering()))
        except StorageError as error:
            yield failed("backends", name, error, place.setting, origin)
        except TimeoutError:
            yield silent("backends", name, place.setting, origin)
        else:
            took = f"answered in {health.seconds * 1000:.1f} ms"
            state: State = "ok" if health.ok else "failed"
            message = f"{health.detail}, {took}" if health.ok else health.detail
            remedy = None if health.ok else SERVER
            yield Check("backends", name, state, message, place.setting, origin, remedy)


async def _health(backend: Backend) -> Health:
    async with asyncio.timeout(PATIENCE):
        await backend.open()
        try:
            return await backend.health()
        finally:
            await backend.close()


def _unready(schemas: Iterable[Check]) -> set[str]:
    return {check.name for check in schemas if check.state != "ok"}


def _any_failed(checks: Iterable[Check]) -> bool:
    return any(check.state == "failed" for check in checks)


def _not_reached(groups: Iterable[str], why: str) -> list[Check]:
    return [Check(group, group, "not reached", why) for group in groups]
