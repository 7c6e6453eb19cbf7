"""The hooks of the plugin. What they make is imported when they are called, and not before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from unison_storage.contracts.backend import BackendSpec, Durability
from unison_storage.errors import InvalidConfig
from unison_storage.hookspecs import hookimpl

if TYPE_CHECKING:
    from unison_storage.contracts.context import Context
    from unison_storage.contracts.memory import MemoryBackend
    from unison_storage.targets import Target


class Options(msgspec.Struct):
    """What may follow the ``?`` of a URL: nothing."""


@hookimpl
def backend_specs() -> Sequence[BackendSpec]:
    return [
        BackendSpec(
            name="json-folder",
            schemes=("jsonfolder",),
            kinds=("memory",),
            durability=Durability.EPHEMERAL,
            production_ready=False,
            options=Options,
        )
    ]


@hookimpl
def memory_backend(target: Target, context: Context) -> MemoryBackend:
    from storage_json_folder.memory import FolderMemory

    if not target.path.strip("/"):
        raise InvalidConfig(f"{target.setting} names no folder: write jsonfolder:///folder")
    return FolderMemory(Path(target.path[1:]), context.clock)
