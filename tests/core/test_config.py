"""Settings: where each comes from, which source wins, and that no secret is ever shown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unison_storage.config import ALIASES, FILE_SETTING, PREFIX, Loaded, Settings, load
from unison_storage.errors import InvalidConfig
from unison_storage.keyspaces import BUILT_IN, DAY, Keyspace
from unison_storage.profiles import Profile
from unison_storage.storage import Storage

CANARY = "canary-7f3a"
URLS = [name for name in Settings.model_fields if name.endswith("_url")]
SECRETS = [*URLS, "http_token"]


def env(**settings: str) -> dict[str, str]:
    """Return an environment with the given settings, by their names in lower case."""
    return {f"{PREFIX}{name.upper()}": value for name, value in settings.items()}


def file(folder: Path, text: str) -> dict[str, str]:
    path = folder / "storage.toml"
    path.write_text(text, encoding="utf-8")
    return {FILE_SETTING: str(path)}


def shown(loaded: Loaded) -> dict[str, tuple[Any, str]]:
    return {row.name: (row.value, row.origin) for row in loaded.explain()}


def spaces(loaded: Loaded) -> dict[str, Keyspace]:
    return {space.name: space for space in loaded.keyspaces}


def refused(environ: Mapping[str, str], declared: tuple[Keyspace, ...] = ()) -> str:
    with pytest.raises(InvalidConfig) as caught:
        load(environ, declared)
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return str(caught.value)


# ------------------------------------------------------------------------------------------------------ environment


def test_without_any_setting_it_is_production_and_nothing_is_served() -> None:
    loaded = load({})
    assert loaded.settings.profile is Profile.PRODUCTION
    assert loaded.keyspaces == ()
    assert {origin for _, origin in shown(loaded).values()} == {"default"}
    arguments = loaded.arguments()
    assert [arguments[kind] for kind in ("database_url", "memory", "object", "object_index")] == [None] * 4


def test_each_setting_is_read_by_its_name_and_tells_its_origin() -> None:
    given_ = env(
        profile="staging",
        memory_url="reference://",
        plugins=" a, b ,",
        read_only="true",
        attempts="3",
        deadline="2.5",
        max_object="10",
        http_port="0",
        http_tokens_file="/run/tokens",
    )
    loaded = load({**given_, "OTHER": "x", "UNISON": "y", "unison_storage_profile": "test"})
    read = loaded.settings
    assert (read.profile, read.memory_url, read.plugins) == (Profile.STAGING, "reference://", ["a", "b"])
    assert (read.read_only, read.attempts, read.deadline) == (True, 3, 2.5)
    assert (read.max_object, read.http_port, read.http_tokens_file) == (10, 0, Path("/run/tokens"))
    assert shown(loaded)["attempts"] == (3, "environment UNISON_STORAGE_ATTEMPTS")
    assert shown(loaded)["http_tokens_file"] == ("/run/tokens", "environment UNISON_STORAGE_HTTP_TOKENS_FILE")
    assert shown(loaded)["http_host"] == ("127.0.0.1", "default")


def test_what_is_loaded_is_what_a_storage_takes() -> None:
    loaded = load(env(profile="test", memory_url="reference://", attempts="2"))
    storage = Storage(**loaded.arguments())
    assert storage.profile is Profile.TEST
    assert [(place.kind, place.setting) for place in storage.places()] == [("memory", "UNISON_STORAGE_MEMORY_URL")]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("profile", CANARY),
        ("profile", "PRODUCTION "),
        ("read_only", CANARY),
        ("attempts", "0"),
        ("attempts", "11"),
        ("attempts", "1.5"),
        ("attempts", CANARY),
        ("deadline", "0"),
        ("deadline", "-1"),
        ("deadline", "nan"),
        ("deadline", CANARY),
        ("max_object", "0"),
        ("max_object", CANARY),
        ("http_port", "65536"),
        ("http_port", "-1"),
    ],
)
def test_a_malformed_value_names_setting_and_origin_and_is_not_quoted(name: str, value: str) -> None:
    message = refused(env(**{name: value}))
    assert message.startswith(f"{name} (environment {PREFIX}{name.upper()}): ")


@pytest.mark.parametrize(
    ("variable", "near"),
    [
        ("DATABSE_URL", "database_url"),
        ("MEMORY_URI", "memory_url"),
        ("ATEMPTS", "attempts"),
        ("PROFILE_FILE", "profile"),
        ("KEYSPACES", "keyspaces"),
        ("KEYSPACES__SESSION", ""),
        ("KEYSPACES__SESSION__LIFETIMES", "lifetime"),
        ("KEYSPACES__SESSION__NAME", ""),
        ("", ""),
    ],
)
def test_an_unknown_setting_is_an_error_with_near_names(variable: str, near: str) -> None:
    message = refused({PREFIX + variable: CANARY})
    assert message.startswith(f"{PREFIX}{variable} is no setting")
    assert near in message


# ------------------------------------------------------------------------------------------------------------- TOML


def test_a_file_has_the_names_in_lower_case_without_prefix(tmp_path: Path) -> None:
    text = 'profile = "test"\nmemory_url = "reference://"\nplugins = ["a"]\nattempts = 2\n'
    text += '[keyspaces."auth:tokens"]\nlifetime = 60\n'
    loaded = load(file(tmp_path, text))
    origin = f"file {tmp_path / 'storage.toml'}"
    assert (loaded.settings.profile, loaded.settings.plugins, loaded.settings.attempts) == (Profile.TEST, ["a"], 2)
    assert shown(loaded)["memory_url"] == ("reference://", origin)
    assert shown(loaded)["keyspaces.auth:tokens.lifetime"] == (60, origin)
    assert spaces(loaded)["auth:tokens"].ceiling == 31 * DAY


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f'databas_url = "{CANARY}"', "databas_url is no setting; near names: database_url"),
        (f'UNISON_STORAGE_PROFILE = "{CANARY}"', "is no setting"),
        (f'[keyspaces.session]\nlifetme = "{CANARY}"', "keyspaces.session.lifetme is no setting; near names: lifetime"),
        (f'[keyspaces.session]\nname = "{CANARY}"', "keyspaces.session.name is no setting"),
        (f'keyspaces = "{CANARY}"', "keyspaces are tables"),
        (f'[keyspaces]\nsession = "{CANARY}"', "keyspaces are tables"),
        (f"database_url = {CANARY}", "no TOML"),
        (f'database_url = "{CANARY}', "no TOML"),
        (f'database_url = 5 # "{CANARY}"', "database_url (file"),
        (f'attempts = "{CANARY}"', "attempts (file"),
        (f'[keyspaces.session]\nlifetime = "{CANARY}"', "keyspaces.session.lifetime (file"),
        (f'[keyspaces.session]\ndata_class = "{CANARY}"', "keyspaces.session.data_class (file"),
        ('plugins = ["a", 5]', "plugins.1 (file"),
        ('[keyspaces."Not A Name"]\nlifetime = 5', "Not A Name"),
        ("plugins = " + "[" * 50_000, "no TOML"),
    ],
    ids=lambda text: text[:40],
)
def test_a_wrong_file_is_refused_with_the_place_and_without_the_value(tmp_path: Path, text: str, told: str) -> None:
    assert told in refused(file(tmp_path, text))


@pytest.mark.parametrize("setting", ["attempts", "max_object", "http_port", "deadline"])
def test_true_is_no_number(tmp_path: Path, setting: str) -> None:
    assert refused(file(tmp_path, f"{setting} = true")).startswith(f"{setting} (file")


@pytest.mark.parametrize("field", ["lifetime", "floor", "ceiling"])
def test_true_is_no_lifetime(tmp_path: Path, field: str) -> None:
    assert f"keyspaces.mine.{field} (file" in refused(file(tmp_path, f"[keyspaces.mine]\n{field} = true"))


def test_a_file_that_is_not_there_or_no_text_is_named(tmp_path: Path) -> None:
    assert refused({FILE_SETTING: str(tmp_path / "none.toml")}).startswith(FILE_SETTING)
    assert refused({FILE_SETTING: str(tmp_path)}).startswith(FILE_SETTING)
    (tmp_path / "x.toml").write_bytes(b'profile = "\xff"')
    assert refused({FILE_SETTING: str(tmp_path / "x.toml")}).startswith(FILE_SETTING)


# ------------------------------------------------------------------------------------------------------- precedence


@given(
    places=st.lists(st.sampled_from(["alias", "file", "environment"]), unique=True, min_size=1),
    alias=st.sampled_from(sorted(ALIASES)),
)
@settings(deadline=None, max_examples=40)
def test_the_environment_wins_over_the_file_and_the_file_over_aliases(places: list[str], alias: str) -> None:
    setting = ALIASES[alias]
    with TemporaryDirectory() as folder:
        environ: dict[str, str] = {}
        if "alias" in places:
            environ[alias] = "x://alias"
        if "file" in places:
            environ |= file(Path(folder), f'{setting} = "x://file"')
        if "environment" in places:
            environ |= env(**{setting: "x://environment"})
        loaded = load(environ)
    winner = max(places, key=["alias", "file", "environment"].index)
    assert getattr(loaded.settings, setting) == f"x://{winner}"
    origin = {"alias": f"environment {alias}", "file": "file ", "environment": f"environment {PREFIX}{setting.upper()}"}
    assert shown(loaded)[setting][1].startswith(origin[winner])


def test_of_a_keyspace_each_field_has_its_own_origin_and_the_rest_stays(tmp_path: Path) -> None:
    declared = Keyspace(name="drafts", lifetime=1, floor=0.5, ceiling=100, person_scoped=True)
    environ = file(tmp_path, "[keyspaces.drafts]\nlifetime = 2\nceiling = 200\n") | env(keyspaces__drafts__lifetime="3")
    space = spaces(load(environ, (declared,)))["drafts"]
    assert space == Keyspace(name="drafts", lifetime=3, floor=0.5, ceiling=200, person_scoped=True)
    rows = shown(load(environ, (declared,)))
    assert rows["keyspaces.drafts.lifetime"] == (3, "environment UNISON_STORAGE_KEYSPACES__DRAFTS__LIFETIME")
    assert rows["keyspaces.drafts.ceiling"][1].startswith("file ")
    assert "keyspaces.drafts.floor" not in rows


def test_what_the_code_declares_is_kept_where_nobody_changes_it() -> None:
    declared = Keyspace(name="drafts", lifetime=1, url="reference://", durable=False)
    assert spaces(load({}, (declared,))) == {"drafts": declared}


def test_arguments_of_from_env_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in env(profile="staging", memory_url="reference://", keyspaces__drafts__lifetime="3").items():
        monkeypatch.setenv(name, value)
    storage = Storage.from_env(profile="test", keyspaces=[Keyspace(name="drafts", lifetime=1, ceiling=9)])
    assert storage.profile is Profile.TEST
    assert storage.keyspaces.get("drafts") == Keyspace(name="drafts", lifetime=3, ceiling=9)
    assert Storage.from_env().profile is Profile.STAGING


# -------------------------------------------------------------------------------------------------------- keyspaces


@pytest.mark.parametrize("space", BUILT_IN, ids=lambda space: space.name)
def test_a_built_in_keyspace_is_changed_by_its_variable(space: Keyspace) -> None:
    variable = space.name.upper().replace(":", "_")
    changed = spaces(load({f"{PREFIX}KEYSPACES__{variable}__LIFETIME": "30"}))
    assert list(changed) == [space.name]
    assert changed[space.name].lifetime == 30
    assert changed[space.name].person_scoped is space.person_scoped


@given(name=st.from_regex(r"[a-z][a-z0-9:._-]{0,12}", fullmatch=True))
@settings(deadline=None, max_examples=100)
def test_every_declared_keyspace_can_be_changed_by_a_variable(name: str) -> None:
    variable = "".join(char if char.isalnum() else "_" for char in name).upper()
    declared = Keyspace(name=name)
    changed = spaces(load({f"{PREFIX}KEYSPACES__{variable}__LIFETIME": "30"}, (declared,)))
    assert changed == {name: Keyspace(name=name, lifetime=30)}


def test_every_field_of_a_keyspace_can_be_set() -> None:
    fields = {"lifetime": "2", "floor": "1", "ceiling": "3", "data_class": "pii", "person_scoped": "true"}
    more = {"durable": "false", "url": "x://h"}
    environ = {f"{PREFIX}KEYSPACES__MINE__{name.upper()}": value for name, value in {**fields, **more}.items()}
    space = spaces(load(environ))["mine"]
    assert (space.lifetime, space.floor, space.ceiling, space.data_class) == (2, 1, 3, "pii")
    assert (space.person_scoped, space.durable, space.url) == (True, False, "x://h")


@pytest.mark.parametrize("none", ["none", "None", "NONE"])
def test_none_takes_a_bound_away(none: str) -> None:
    space = spaces(load(env(keyspaces__session__ceiling=none, keyspaces__session__lifetime=none)))["session"]
    assert (space.lifetime, space.ceiling, space.person_scoped) == (None, None, True)


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "1e300", "True", "x", ""])
def test_a_wrong_lifetime_is_refused_wherever_it_comes_from(value: str) -> None:
    assert "session" in refused(env(keyspaces__session__lifetime=value))
    assert "mine" in refused(env(keyspaces__mine__ceiling=value))


def test_bounds_that_contradict_each_other_are_refused() -> None:
    assert "'session'" in refused(env(keyspaces__session__ceiling="60"))
    assert spaces(load(env(keyspaces__session__ceiling="60", keyspaces__session__lifetime="60")))


@pytest.mark.parametrize(("one", "other"), [("ui_session", "ui:session"), ("a.b", "a-b"), ("a:_b", "a_:b")])
def test_two_keyspaces_that_meet_in_a_variable_are_refused(one: str, other: str) -> None:
    message = refused({}, (Keyspace(name=one), Keyspace(name=other)))
    assert one in message
    assert other in message


# ---------------------------------------------------------------------------------------------------------- aliases


def test_the_login_of_the_graph_comes_from_its_own_variables() -> None:
    environ = {"GRAPH_DB_URI": "bolt://h:7687", "GRAPH_DB_USER": "neo/4j", "GRAPH_DB_PASSWORD": f"p@{CANARY}/:"}
    loaded = load(environ)
    assert loaded.settings.graph_url == f"bolt://neo%2F4j:{quote('p@' + CANARY + '/:', safe='')}@h:7687"
    assert shown(loaded)["graph_url"] == ("bolt://neo/4j:***@h:7687", "environment GRAPH_DB_URI")
    assert load({"GRAPH_DB_URI": "bolt://h"}).settings.graph_url == "bolt://h"


@pytest.mark.parametrize("alias", ALIASES)
def test_an_empty_alias_is_not_set(alias: str) -> None:
    assert getattr(load({alias: ""}).settings, ALIASES[alias]) is None


# ---------------------------------------------------------------------------------------------------------- secrets


@pytest.mark.parametrize("setting", SECRETS)
def test_a_secret_is_read_from_a_file_without_the_space_around_it(tmp_path: Path, setting: str) -> None:
    (tmp_path / "secret").write_text(f"  x://u:{CANARY}@h\n")
    variable = f"{PREFIX}{setting.upper()}_FILE"
    loaded = load({variable: str(tmp_path / "secret")})
    value = getattr(loaded.settings, setting)
    assert (value.get_secret_value() if setting == "http_token" else value) == f"x://u:{CANARY}@h"
    assert shown(loaded)[setting][1] == f"environment {variable}"
    assert CANARY not in repr(loaded) + repr(loaded.explain())


def test_the_url_of_a_keyspace_is_a_secret_too_and_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"x://u:{CANARY}@h\n")
    loaded = load({f"{PREFIX}KEYSPACES__SESSION__URL_FILE": str(tmp_path / "secret")})
    assert spaces(loaded)["session"].url == f"x://u:{CANARY}@h"
    assert CANARY not in repr(loaded.explain())


def test_a_secret_given_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(CANARY)
    message = refused({**env(memory_url=f"x://{CANARY}"), f"{PREFIX}MEMORY_URL_FILE": str(tmp_path / "secret")})
    assert "UNISON_STORAGE_MEMORY_URL and UNISON_STORAGE_MEMORY_URL_FILE are both set" in message


def test_a_secret_file_that_can_not_be_read_is_named_by_its_variable(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff" + CANARY.encode())
    for path in (tmp_path / "none", tmp_path, tmp_path / "binary", Path()):
        assert refused({f"{PREFIX}HTTP_TOKEN_FILE": str(path)}).startswith(f"{PREFIX}HTTP_TOKEN_FILE: the file")


def test_a_secret_file_that_is_too_large_is_refused_and_not_cut(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x" * (64 * 1024 + 1))
    assert refused({f"{PREFIX}HTTP_TOKEN_FILE": str(tmp_path / "secret")}).startswith(f"{PREFIX}HTTP_TOKEN_FILE: ")


parts = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=4)


@given(
    setting=st.sampled_from([*SECRETS, "keyspaces__session__url", "keyspaces__mine__url"]),
    before=parts,
    behind=parts,
    where=st.sampled_from(["password", "option", "no url", "token"]),
    broken=st.sampled_from(["", "http_port=x", "attempts=99", "nonsense=1", "keyspaces__mine__lifetime=0"]),
)
@settings(deadline=None, max_examples=200)
def test_a_secret_in_any_setting_is_never_shown(
    setting: str, before: str, behind: str, where: str, broken: str
) -> None:
    secret = quote(before + CANARY + behind, safe="")
    value = {
        "password": f"postgresql://app:{secret}@h:5/db",
        "option": f"postgresql://h/db?password={secret}",
        "no url": secret,
        "token": f"redis://:{secret}@h",
    }[where]
    name, _, wrong = broken.partition("=")
    environ = env(**{setting: value}) | (env(**{name: wrong}) if broken else {})
    try:
        loaded = load(environ)
    except InvalidConfig as error:
        assert CANARY not in str(error) + repr(error)  # noqa: PT017 - both ends are right, and neither may tell
        assert broken
        return
    assert not broken
    assert CANARY not in repr(loaded.explain())
    assert CANARY not in repr(loaded)
    assert CANARY not in repr(loaded.settings) + str(loaded.settings)
    assert CANARY not in repr(Storage(**loaded.arguments()))


def test_a_url_is_shown_without_its_secrets_and_what_is_no_url_not_at_all() -> None:
    rows = shown(load(env(memory_url="a://u:p@h:5/d?x=y", object_url="nonsense", http_token=CANARY, vault_url="")))
    assert rows["memory_url"][0] == "a://u:***@h:5/d?x=***"
    assert (rows["object_url"][0], rows["http_token"][0], rows["audit_url"][0]) == ("***", "***", None)


def test_what_is_explained_covers_every_setting_once() -> None:
    names = [row.name for row in load(env(keyspaces__session__lifetime="60")).explain()]
    assert sorted(names) == sorted(
        [*(set(Settings.model_fields) - {"keyspaces"}), "config", "keyspaces.session.lifetime"]
    )


def test_defaults_are_those_of_the_documentation() -> None:
    read = load({}).settings
    assert (read.attempts, read.deadline, read.read_only, read.plugins) == (1, None, False, None)
    assert (read.http_host, read.http_port, read.max_object) == ("127.0.0.1", 8082, 5 * 1024**3)
