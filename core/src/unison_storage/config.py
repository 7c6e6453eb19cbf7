"""Settings: read from the environment and a TOML file, each with its origin. The only reader of the environment.

Later sources win: defaults, then names of the existing services (aliases), then the file that
``UNISON_STORAGE_CONFIG`` names, then ``UNISON_STORAGE_…`` variables. A setting that nobody knows is an error.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from unison_storage.classification import DataClass
from unison_storage.errors import InvalidConfig
from unison_storage.keyspaces import BUILT_IN, CodecName, Keyspace, OnFailure, label_of, near
from unison_storage.profiles import Profile
from unison_storage.targets import MASK, Target

PREFIX: Final = "UNISON_STORAGE_"
FILE_SETTING: Final = "UNISON_STORAGE_CONFIG"
_KEYSPACES: Final = "KEYSPACES__"
_MAX_SECRET: Final = 64 * 1024

ALIASES: Final[Mapping[str, str]] = {
    "STORAGE_DATABASE_URL": "database_url",
    "STORAGE_OBJECT_BACKEND": "object_url",
    "GRAPH_DB_URI": "graph_url",
    "REDIS_URL": "cache_url",
}
"""Names that the existing services use, and what they mean here."""


def _none(value: Any) -> Any:
    return None if isinstance(value, str) and value.lower() == "none" else value


def _list(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("true and false are no numbers")  # noqa: TRY004 - what pydantic takes for a refusal
    return value


Seconds = Annotated[float | None, BeforeValidator(_none), BeforeValidator(_no_bool)]
Number = Annotated[int, BeforeValidator(_no_bool)]
Url = Annotated[str | None, Field(repr=False)]


class KeyspaceSettings(BaseModel):
    """What can be set of a keyspace from outside; times in seconds, ``none`` for none."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    lifetime: Seconds = None
    floor: Seconds = None
    ceiling: Seconds = None
    data_class: DataClass = DataClass.CONTENT
    person_scoped: bool = False
    durable: bool = True
    url: Url = None
    codec: CodecName = "json"
    on_failure: OnFailure = "refuse"


class Settings(BaseModel):
    """Every setting by its name in lower case, without prefix, as in the TOML file."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    profile: Profile = Profile.PRODUCTION
    database_url: Url = None
    memory_url: Url = None
    vault_url: Url = None
    audit_url: Url = None
    object_url: Url = None
    object_index_url: Url = None
    memory_read_url: Url = None
    object_index_read_url: Url = None
    graph_url: Url = None
    cache_url: Url = None
    keys_url: Url = None
    migration_url: Url = None
    graph_model: str | None = None
    plugins: Annotated[list[str] | None, BeforeValidator(_list)] = None
    read_only: bool = False
    attempts: Number = Field(default=1, ge=1, le=10)
    deadline: Seconds = Field(default=None, gt=0)
    read_staleness: Seconds = Field(default=None, gt=0)
    sweep_every: Seconds = Field(default=60.0, ge=0)
    max_object: Number = Field(default=5 * 1024**3, ge=1)
    http_host: str = "127.0.0.1"
    http_port: Number = Field(default=8082, ge=0, le=65_535)
    http_token: SecretStr | None = None
    http_tokens_file: Path | None = None
    keyspaces: dict[str, KeyspaceSettings] = {}


_SECRET: Final = tuple(name for name in Settings.model_fields if name.endswith("_url") or name == "http_token")


class Explained(msgspec.Struct, frozen=True):
    """One setting as it is shown: secrets masked, with where it came from."""

    name: str
    value: Any
    origin: str


class Loaded(msgspec.Struct, frozen=True):
    """Settings with the origin of each."""

    settings: Settings
    origins: dict[str, str]
    keyspaces: tuple[Keyspace, ...]
    file: str | None = None

    def arguments(self) -> dict[str, Any]:
        """Return what ``Storage`` takes of the settings."""
        settings = self.settings
        return {
            "database_url": settings.database_url,
            "memory": settings.memory_url,
            "object": settings.object_url,
            "object_index": settings.object_index_url,
            "memory_read": settings.memory_read_url,
            "object_index_read": settings.object_index_read_url,
            "read_staleness": settings.read_staleness,
            "graph": settings.graph_url,
            "cache": settings.cache_url,
            "graph_model": settings.graph_model,
            "keyspaces": self.keyspaces,
            "profile": settings.profile,
            "plugins": settings.plugins,
            "read_only": settings.read_only,
            "attempts": settings.attempts,
            "deadline": settings.deadline,
            "max_object": settings.max_object,
            "migration_url": settings.migration_url,
        }

    def explain(self) -> list[Explained]:
        """Return every setting with its origin, and every keyspace that is not built in; secrets masked."""
        rows = [Explained("config", self.file, f"environment {FILE_SETTING}" if self.file else "default")]
        for name in Settings.model_fields:
            if name != "keyspaces":
                value = _shown(name, getattr(self.settings, name))
                rows.append(Explained(name, value, self.origins.get(name, "default")))
        for keyspace in self.keyspaces:
            for name, value in msgspec.structs.asdict(keyspace).items():
                origin = self.origins.get(f"keyspaces.{keyspace.name}.{name}")
                if origin is not None:
                    rows.append(Explained(f"keyspaces.{keyspace.name}.{name}", _shown(name, value), origin))
        return rows


def _shown(name: str, value: Any) -> Any:
    if value is None or name not in (*_SECRET, "url"):
        return str(value) if isinstance(value, Path) else value
    if isinstance(value, SecretStr):
        return MASK
    try:
        return Target.parse(value).masked
    except InvalidConfig:
        return MASK


def load(environ: Mapping[str, str] | None = None, declared: Sequence[Keyspace] = ()) -> Loaded:
    """Return the settings of the environment (that of the process unless another is given).

    ``declared`` are the keyspaces of the code, which file and environment may change. Raises ``InvalidConfig``,
    which names the setting and its origin and never quotes a value.
    """
    env = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    spaces = {space.name: msgspec.structs.asdict(space) for space in (*BUILT_IN, *declared)}
    changed = {space.name for space in declared}
    for name, setting in ALIASES.items():
        if env.get(name):
            values[setting], origins[setting] = _aliased(name, env), f"environment {name}"
    path = env.get(FILE_SETTING)
    if path:
        changed |= _read_file(Path(path), values, origins, spaces)
    changed |= _read_environment(env, values, origins, spaces)
    for name in changed:
        spaces[name].pop("name", None)
    values["keyspaces"] = {name: spaces[name] for name in sorted(changed)}
    settings = _validated(values, origins)
    keyspaces = tuple(
        Keyspace(name=name, **one.model_dump(exclude={"name"})) for name, one in settings.keyspaces.items()
    )
    return Loaded(settings, origins, keyspaces, path or None)


def _aliased(name: str, env: Mapping[str, str]) -> str:
    url = env[name]
    user, password = env.get("GRAPH_DB_USER"), env.get("GRAPH_DB_PASSWORD")
    if name != "GRAPH_DB_URI" or not user or "://" not in url or "@" in url:
        return url
    from urllib.parse import quote

    scheme, _, rest = url.partition("://")
    return f"{scheme}://{quote(user, safe='')}:{quote(password or '', safe='')}@{rest}"


def _read_file(path: Path, values: dict[str, Any], origins: dict[str, str], spaces: dict[str, Any]) -> set[str]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidConfig(f"{FILE_SETTING}: the file can't be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        where = f" ({error})" if isinstance(error, tomllib.TOMLDecodeError) else ""
        raise InvalidConfig(f"{FILE_SETTING}: the file is no TOML{where}") from None
    tables = content.pop("keyspaces", {})
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise InvalidConfig(f'{FILE_SETTING}: keyspaces are tables, as in [keyspaces."auth:tokens"]')
    for name, value in content.items():
        _known(name, Settings.model_fields, f"{FILE_SETTING}: {name}")
        values[name], origins[name] = value, f"file {path}"
    for name, table in tables.items():
        space = spaces.setdefault(name, {})
        for field, value in table.items():
            _known(field, KeyspaceSettings.model_fields, f"{FILE_SETTING}: keyspaces.{name}.{field}")
            space[field] = value
            origins[f"keyspaces.{name}.{field}"] = f"file {path}"
    return set(tables)


def _read_environment(
    env: Mapping[str, str], values: dict[str, Any], origins: dict[str, str], spaces: dict[str, Any]
) -> set[str]:
    changed = set()
    names = _by_variable(spaces)
    for variable in sorted(name for name in env if name.startswith(PREFIX) and name != FILE_SETTING):
        rest = variable[len(PREFIX) :]
        if rest.startswith(_KEYSPACES):
            label, _, field = rest[len(_KEYSPACES) :].rpartition("__")
            field = field.lower()
            value = env[variable]
            if field == "url_file":
                field, value = "url", _secret(variable, value)
            _known(field, KeyspaceSettings.model_fields, variable)
            name = names.get(label, label.lower())
            spaces.setdefault(name, {})[field] = value
            origins[f"keyspaces.{name}.{field}"] = f"environment {variable}"
            changed.add(name)
            continue
        setting = rest.lower()
        value = env[variable]
        if setting.endswith("_file") and setting[:-5] in _SECRET:
            setting = setting[:-5]
            if env.get(PREFIX + setting.upper()):
                raise InvalidConfig(f"{PREFIX}{setting.upper()} and {variable} are both set: remove one")
            value = _secret(variable, value)
        _known(setting, Settings.model_fields, variable)
        values[setting], origins[setting] = value, f"environment {variable}"
    return changed


def _by_variable(spaces: Mapping[str, Any]) -> dict[str, str]:
    names: dict[str, str] = {}
    for name in spaces:
        label = label_of(name)
        if label in names:
            raise InvalidConfig(f"the keyspaces {names[label]!r} and {name!r} meet in the variable name {label}")
        names[label] = name
    return names


def _known(name: str, fields: Mapping[str, Any], where: str) -> None:
    if name not in fields or (name == "keyspaces" and fields is Settings.model_fields):
        raise InvalidConfig(f"{where} is no setting{near(name, fields)}; see unison-storage config explain")


def _secret(variable: str, path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            raw = file.read(_MAX_SECRET + 1)
        text = raw.decode()
    except OSError as error:
        raise InvalidConfig(f"{variable}: the file can't be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InvalidConfig(f"{variable}: the file is no text") from None
    if len(raw) > _MAX_SECRET:
        raise InvalidConfig(f"{variable}: the file is larger than {_MAX_SECRET} bytes")
    return text.strip()


def _validated(values: Mapping[str, Any], origins: Mapping[str, str]) -> Settings:
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        origin = next((origins[key] for key in origins if name.startswith(key)), "default")
        raise InvalidConfig(f"{name} ({origin}): {first['msg']}") from None
