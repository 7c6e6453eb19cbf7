"""Plugins: found by the metadata of entry points, loaded when a URL asks for them, registered with pluggy.

Making backends of them stands in ``assembly``. Nothing here is called per operation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any, Final

import pluggy
from msgspec import Struct

from unison_storage import hookspecs
from unison_storage.contracts.backend import API_VERSION, BackendSpec
from unison_storage.errors import AmbiguousPlugin, InvalidConfig, PluginLoadError, UnknownScheme
from unison_storage.guards import RULES, GuardRule
from unison_storage.keyspaces import near

GROUP: Final = "unison_storage"
COMMANDS: Final = "unison_storage.commands"

KNOWN: Final[Mapping[str, str]] = {
    "sqlite": "unison-storage-sqlite",
    "file": "unison-storage-sqlite",
    "s3": "unison-storage-objects",
    "fsspec": "unison-storage-objects",
    "postgresql": "unison-storage-postgres",
    "bolt": "unison-storage-neo4j",
    "neo4j": "unison-storage-neo4j",
    "redis": "unison-storage-redis",
    "rediss": "unison-storage-redis",
    "unix": "unison-storage-redis",
}
"""Which of our own distributions serves a scheme, for telling what to install."""


class Found(Struct, frozen=True):
    """An installed plugin as its metadata tells, without importing it."""

    scheme: str
    module: str
    distribution: str
    version: str


class Plugin(Struct, frozen=True):
    """A loaded plugin. ``hook`` calls this plugin's implementations alone."""

    found: Found
    spec: BackendSpec
    hooks: Any


class Plugins:
    """The plugins of one storage. ``allowed`` limits them to those distributions."""

    def __init__(self, allowed: Sequence[str] | None = None, found: Iterable[Found] | None = None) -> None:
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._found = list(installed() if found is None else found)
        self._allowed = None if allowed is None else {_normal(name) for name in allowed}
        self._serving: dict[str, Plugin] = {}
        self._registered: dict[str, tuple[ModuleType, Sequence[BackendSpec]]] = {}

    def serving(self, scheme: str, setting: str) -> Plugin:
        """Return the plugin for a scheme, loading it first; for ``a+b`` the whole is looked up before ``a``.

        Raises ``UnknownScheme``, ``AmbiguousPlugin``, ``PluginLoadError``, each naming the setting.
        """
        for name in (scheme, scheme.partition("+")[0]):
            if name in self._serving:
                return self._serving[name]
            claims = [found for found in self._found if found.scheme == name and self._permits(found)]
            owners = sorted({found.distribution for found in claims})
            if len(owners) > 1:
                raise AmbiguousPlugin(
                    f"{setting}: {' and '.join(owners)} both claim the scheme {name}; uninstall one, "
                    "or name the other in UNISON_STORAGE_PLUGINS"
                )
            if claims:
                return self._serving.setdefault(name, self._load(claims[0], setting))
        raise self._unknown(scheme, setting)

    def rules(self) -> tuple[GuardRule, ...]:
        """Return core's guard rules and those of the plugins that serve something."""
        modules = {id(plugin.hooks): plugin.hooks for plugin in self._serving.values()}
        own = [rules for module in modules.values() for rules in self._alone(module, "guard_rules")()]
        return (*RULES, *(rule for rules in own for rule in rules))

    def subset(self, plugin: Plugin, hook: str) -> Any:
        """Return a hook caller that reaches the given plugin alone."""
        return self._alone(plugin.hooks, hook)

    def _alone(self, module: ModuleType, hook: str) -> Any:
        others = [other for other in self._manager.get_plugins() if other is not module]
        return self._manager.subset_hook_caller(hook, others)

    def _permits(self, found: Found) -> bool:
        return self._allowed is None or _normal(found.distribution) in self._allowed

    def _load(self, found: Found, setting: str) -> Plugin:
        module, specs = self._registered.get(found.module) or self._register(found, setting)
        spec = next((spec for spec in specs if found.scheme in spec.schemes), None)
        if spec is None:
            raise PluginLoadError(f"{setting}: {found.distribution} does not describe the scheme {found.scheme}")
        if spec.api_version != API_VERSION:
            raise PluginLoadError(
                f"{setting}: {found.distribution} {found.version} is made for API version {spec.api_version}, "
                f"this is {API_VERSION}; install versions that belong together"
            )
        return Plugin(found, spec, module)

    def _register(self, found: Found, setting: str) -> tuple[ModuleType, Sequence[BackendSpec]]:
        module = self._import(found, setting)
        try:
            self._manager.register(module, found.module)
            self._manager.check_pending()
            (answer,) = self._alone(module, "backend_specs")()
            specs = tuple(answer)
            if not all(isinstance(spec, BackendSpec) for spec in specs):
                raise TypeError("backend_specs answers something else than BackendSpec")
        except Exception as error:  # a plugin may describe itself in any wrong way; its schemes fail alone
            if self._manager.is_registered(module):
                self._manager.unregister(module)
            raise PluginLoadError(
                f"{setting}: the plugin {found.module} of {found.distribution} {found.version} does not fit the "
                f"hooks: {type(error).__name__}: {error}"
            ) from error
        self._registered[found.module] = (module, specs)
        return module, specs

    def _import(self, found: Found, setting: str) -> ModuleType:
        try:
            module = EntryPoint(found.scheme, found.module, GROUP).load()
        except Exception as error:  # a plugin may fail in any way at import; its scheme fails alone
            raise PluginLoadError(
                f"{setting}: the plugin {found.module} of {found.distribution} {found.version} can't be imported "
                f"({type(error).__name__}: {error})"
            ) from error
        if not isinstance(module, ModuleType):
            raise PluginLoadError(f"{setting}: the entry point of {found.distribution} must name a module")
        return module

    def _unknown(self, scheme: str, setting: str) -> UnknownScheme:
        schemes = sorted({found.scheme for found in self._found if self._permits(found)})
        hidden = [found for found in self._found if found.scheme == scheme]
        if hidden:
            return UnknownScheme(
                f"{setting}: UNISON_STORAGE_PLUGINS does not allow {hidden[0].distribution}, which serves {scheme}"
            )
        wanted = KNOWN.get(scheme.partition("+")[0])
        install = f"; install it with: pip install {wanted}" if wanted else ""
        there = f"; installed: {', '.join(schemes)}" if schemes else "; none is installed"
        others = near(scheme, {*schemes, *KNOWN} - {scheme})
        return UnknownScheme(f"{setting}: no plugin serves the scheme {scheme}{others}{install}{there}")


def _normal(name: str) -> str:
    """Return the name of a distribution as package indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed() -> list[Found]:
    """Return every installed plugin, from metadata alone; in order of scheme."""
    found = []
    for point in entry_points(group=GROUP):
        distribution = point.dist
        if distribution is None:
            raise InvalidConfig(f"the entry point {point.name} of group {GROUP} belongs to no distribution")
        found.append(Found(point.name, point.value, distribution.name, distribution.version))
    return sorted(set(found), key=lambda one: (one.scheme, one.distribution))
