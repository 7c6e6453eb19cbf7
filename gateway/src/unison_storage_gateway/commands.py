"""The words that this distribution adds to ``unison-storage``: ``serve`` and ``dev``.

Nothing heavy is imported before a command runs. Settings are read, and errors are told, by the core.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from unison_storage.config import Loaded, Settings
    from unison_storage.storage import Storage

_HOST = "Address to listen on, instead of UNISON_STORAGE_HTTP_HOST."
_PORT = "Port to listen on, instead of UNISON_STORAGE_HTTP_PORT; 0 takes a free one."
Host = Annotated[str | None, typer.Option(help=_HOST, show_default=False)]
Port = Annotated[int | None, typer.Option(min=0, max=65_535, help=_PORT, show_default=False)]


def serve(host: Host = None, port: Port = None) -> None:
    """Serve the storage that the settings describe over HTTP, until SIGTERM or Ctrl-C.

    Example: UNISON_STORAGE_PROFILE=development UNISON_STORAGE_DATABASE_URL=sqlite:///storage.db
    UNISON_STORAGE_HTTP_TOKENS_FILE=tokens.toml unison-storage serve
    """
    from unison_storage.config import load
    from unison_storage.storage import Storage

    loaded = load()
    settings = _listening(loaded.settings, host, port)
    _run(Storage(**loaded.arguments()), settings, lambda at: typer.echo(f"unison-storage listens on {at}"))


def dev(host: Host = None, port: Port = None) -> None:
    """Serve for development: data in ./data, reached from this machine alone, with a token that is made once.

    Example: unison-storage dev --port 9000
    """
    from pydantic import SecretStr

    from unison_storage.storage import Storage
    from unison_storage_gateway import development

    loaded = _development()
    development.prepare()
    settings = _listening(loaded.settings, host, port)
    word = _token_word(loaded)
    if settings.http_token is None and settings.http_tokens_file is None:
        settings = settings.model_copy(update={"http_token": SecretStr(development.token())})
    storage = Storage(**loaded.arguments())
    _run(storage, settings, lambda at: _welcome(storage, at, word))


def _listening(settings: Settings, host: str | None, port: int | None) -> Settings:
    given: dict[str, Any] = {"http_host": host, "http_port": port}
    return settings.model_copy(update={name: value for name, value in given.items() if value is not None})


def _run(storage: Storage, settings: Settings, ready: Callable[[str], None]) -> None:
    import asyncio

    from unison_storage_gateway import logs, serving
    from unison_storage_gateway.app import create_app

    app = create_app(storage, settings)
    with serving.bind(settings.http_host, settings.http_port) as bound:
        logs.configure()
        asyncio.run(serving.serve(app, storage, bound, lambda: ready(serving.origin(bound))))


def _development() -> Loaded:
    """Return the settings with profile development, and a database in the data folder where none is named."""
    from msgspec.structs import replace

    from unison_storage.config import load
    from unison_storage.errors import InvalidConfig
    from unison_storage.profiles import Profile

    loaded = load()
    settings = loaded.settings
    if "profile" in loaded.origins and settings.profile is not Profile.DEVELOPMENT:
        raise InvalidConfig(
            f"dev runs with profile development, and {loaded.origins['profile']} asks for {settings.profile}: "
            "remove it, or use unison-storage serve"
        )
    changes: dict[str, Any] = {"profile": Profile.DEVELOPMENT}
    if settings.database_url is None and (settings.memory_url is None or settings.object_url is None):
        changes["database_url"] = "sqlite:///data/storage.db"
    return replace(loaded, settings=settings.model_copy(update=changes))


def _token_word(loaded: Loaded) -> str | None:
    """Return how a shell gets at the token without showing it."""
    from unison_storage_gateway import development

    if loaded.settings.http_token is None:
        return f"$(cat {development.TOKEN})" if loaded.settings.http_tokens_file is None else None
    variable = loaded.origins.get("http_token", "").removeprefix("environment ")
    if variable.endswith("_FILE"):
        return f'$(cat "${variable}")'
    return f"${variable}" if variable.isupper() else None


def _welcome(storage: Storage, at: str, word: str | None) -> None:
    from rich.console import Console
    from rich.panel import Panel
    from rich.text import Text

    lines = [f"unison-storage for development on {at}", ""]
    for place in storage.places():
        served = place.served
        lines.append(f"{place.kind:<13} {served.target.masked if served.target is not None else served.scheme}")
    console = Console()
    console.print(Panel.fit(Text("\n".join(lines)), border_style="green"))
    # below the panel and in one piece, so that it can be copied whole
    curl = f'curl -X PUT -H "Authorization: Bearer {word or "…"}" -d \'"hello"\' {at}/v1/memory/notes/first'
    console.print(Text(curl), soft_wrap=True)
    console.print(Text("Without -X PUT and -d it reads the value back. Ctrl-C stops."), soft_wrap=True)
