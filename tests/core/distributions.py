"""Installed distributions for tests: real modules and real metadata in a folder on ``sys.path``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

PLUGIN = """
from msgspec import Struct
from unison_storage.contracts.backend import BackendSpec, Durability
from unison_storage.hookspecs import hookimpl
from unison_storage.reference.memory import ReferenceMemory
from unison_storage.reference.objects import ReferenceBlobs, ReferenceObjectIndex


class Options(Struct):
    schema: str = ""


def spec(*schemes, kinds=("memory",), durability=Durability.DURABLE, production_ready=True, **more):
    return BackendSpec(
        name=schemes[0], schemes=schemes, kinds=kinds, durability=durability,
        production_ready=production_ready, options=Options, **more,
    )


@hookimpl
def memory_backend(target, context):
    target.convert(Options)
    return ReferenceMemory(context.clock)


"""
"""The beginning of a plugin module; what follows describes its backends."""


class Packages:
    """A folder on ``sys.path`` into which a test installs distributions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def module(self, name: str, source: str) -> None:
        """Write a module."""
        (self.folder / f"{name}.py").write_text(dedent(source))

    def install(
        self, name: str, points: Mapping[str, str], *, version: str = "1.2.3", group: str = "unison_storage"
    ) -> None:
        """Write the metadata of a distribution with these entry points."""
        folder = self.folder / f"{name.replace('-', '_')}-{version}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        lines = "\n".join(f"{point} = {value}" for point, value in points.items())
        (folder / "entry_points.txt").write_text(f"[{group}]\n{lines}\n")

    def plugin(self, scheme: str, body: str, *, name: str | None = None) -> str:
        """Install a distribution with one plugin module that begins as ``PLUGIN`` does; return the module's name."""
        module = f"plugin_{scheme.replace('+', '_')}_{(name or 'own').replace('-', '_')}"
        self.module(module, PLUGIN + dedent(body))
        self.install(name or f"storage-{scheme}", {scheme: module})
        return module


def described(spec: str) -> str:
    """Return a plugin's ``backend_specs`` that answers the expression ``spec``."""
    return f"@hookimpl\ndef backend_specs():\n    return ({spec},)\n"
