from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.core.cli.conftest import Invoke, document

CANARY = "canary-5f2c"


def looked(invoke: Invoke, **changed: str) -> tuple[int, dict[str, dict[str, Any]]]:
    result = invoke("doctor", "--json", **changed)
    checks = document(result)
    assert checks["ok"] is (result.exit_code == 0)
    return result.exit_code, {f"{check['group']}/{check['name']}": check for check in checks["checks"]}


def states(checks: dict[str, dict[str, Any]]) -> set[str]:
    return {check["state"] for check in checks.values()}


def test_all_is_well_after_migrating(invoke: Invoke) -> None:
    invoke("migrate")
    code, checks = looked(invoke)
    assert (code, states(checks)) == (0, {"ok"})
    kinds = ("memory", "object", "object_index", "graph", "cache")
    assert {f"backends/{kind}" for kind in kinds} <= set(checks)
    text = invoke("doctor")
    assert "✓ backends" in text.stdout
    assert text.stderr == "nothing failed\n"


def test_looking_writes_nothing(invoke: Invoke, tmp_path: Path) -> None:
    code, checks = looked(invoke)
    assert code == 0
    assert list(tmp_path.iterdir()) == []
    schema = next(check for name, check in checks.items() if name.startswith("schemas/"))
    assert (schema["state"], schema["remedy"]) == ("warning", "unison-storage migrate makes it now")
    assert checks["backends/memory"]["state"] == "not reached"


def test_settings_that_do_not_load_leave_the_rest_unreached(invoke: Invoke) -> None:
    code, checks = looked(invoke, databse_url="x")
    assert code == 1
    assert checks["settings/load"]["state"] == "failed"
    assert "UNISON_STORAGE_DATABSE_URL is no setting" in checks["settings/load"]["message"]
    assert {check["state"] for name, check in checks.items() if name != "settings/load"} == {"not reached"}
    assert "✓" not in invoke("doctor", databse_url="x").stdout


def test_a_url_without_plugin_names_setting_origin_and_cure(invoke: Invoke) -> None:
    code, checks = looked(invoke, memory_url=f"s3://user:{CANARY}@host")
    assert code == 1
    broken = checks["plugins/UNISON_STORAGE_MEMORY_URL"]
    assert (broken["state"], broken["origin"]) == ("failed", "environment UNISON_STORAGE_MEMORY_URL")
    assert broken["remedy"] == "pip install unison-storage-objects"
    assert checks["plugins/UNISON_STORAGE_DATABASE_URL"]["state"] == "ok"
    assert checks["backends/backends"]["state"] == "not reached"
    text = invoke("doctor", memory_url=f"s3://user:{CANARY}@host")
    assert text.exit_code == 1
    assert "1 failed, 3 not reached" in text.stderr
    assert CANARY not in text.output + str(checks)


def test_a_url_that_is_none(invoke: Invoke) -> None:
    code, checks = looked(invoke, object_url=CANARY)
    assert code == 1
    message = checks["plugins/UNISON_STORAGE_OBJECT_URL"]["message"]
    assert message == "InvalidConfig: UNISON_STORAGE_OBJECT_URL is not a URL: it starts with a scheme and ://"


def test_nothing_set_is_a_failure(invoke: Invoke, settings: dict[str, str]) -> None:
    del settings["UNISON_STORAGE_DATABASE_URL"]
    code, checks = looked(invoke)
    assert (code, checks["plugins/kinds"]["state"]) == (1, "failed")
    assert "set UNISON_STORAGE_DATABASE_URL" in checks["plugins/kinds"]["remedy"]
    assert "UNISON_STORAGE_DATABASE_URL is not set" in invoke("doctor").stdout


def test_a_kind_that_nothing_serves_is_a_warning(invoke: Invoke, settings: dict[str, str]) -> None:
    del settings["UNISON_STORAGE_DATABASE_URL"]
    code, checks = looked(invoke, memory_url="reference://")
    assert (code, checks["plugins/object"]["state"], checks["backends/memory"]["state"]) == (0, "warning", "ok")


def test_guard_rails(invoke: Invoke) -> None:
    invoke("migrate")
    code, checks = looked(invoke, profile="production")
    assert code == 1
    rule = checks["guard rails/production-ready"]
    assert rule["state"] == "failed"
    assert "memory, object, object_index, graph, cache" in rule["message"]
    assert rule["remedy"]
    assert checks["backends/memory"]["state"] == "ok"


def test_a_schema_that_is_behind_fails_where_nobody_migrates_by_itself(invoke: Invoke) -> None:
    code, checks = looked(invoke, profile="staging")
    schema = next(check for name, check in checks.items() if name.startswith("schemas/"))
    assert (code, schema["state"], schema["remedy"]) == (1, "failed", "unison-storage migrate")
    assert checks["backends/memory"]["state"] == "not reached"


def test_a_file_that_is_no_database(invoke: Invoke, tmp_path: Path) -> None:
    file = tmp_path / "no.db"
    file.write_bytes(b"this is no database at all" * 100)
    code, checks = looked(invoke, database_url=f"sqlite:///{file}")
    assert code == 1
    assert "failed" in states(checks)
    assert checks["backends/memory"]["state"] == "not reached"


def test_options_that_no_plugin_knows(invoke: Invoke, settings: dict[str, str]) -> None:
    code, checks = looked(invoke, database_url=f"{settings['UNISON_STORAGE_DATABASE_URL']}?bussy_timeout={CANARY}")
    assert code == 1
    assert "unknown option 'bussy_timeout'" in checks["plugins/UNISON_STORAGE_DATABASE_URL"]["message"]
    assert CANARY not in str(checks)


def test_kinds_that_this_version_does_not_serve(invoke: Invoke) -> None:
    _, checks = looked(invoke, vault_url=f"redis://user:{CANARY}@host")
    assert checks["plugins/UNISON_STORAGE_VAULT_URL"]["state"] == "warning"
    assert CANARY not in str(checks)


def test_a_keyspace_with_a_url_of_its_own_is_looked_at_for_each_kind(invoke: Invoke) -> None:
    _, checks = looked(invoke, keyspaces__thumbs__url="reference://")
    assert checks["backends/memory of thumbs"]["state"] == "ok"
    assert checks["backends/cache of thumbs"]["state"] == "ok"


def test_the_graph_model(invoke: Invoke) -> None:
    invoke("migrate")
    usual = looked(invoke)[1]["settings/graph model"]
    assert (usual["state"], usual["setting"]) == ("ok", "UNISON_STORAGE_GRAPH_MODEL")
    assert usual["message"].startswith("that of UnisonOS: 10 labels, 11 relationship types")
    named = looked(invoke, graph_model="unison_storage.unison_model:UNISON_MODEL")[1]["settings/graph model"]
    assert named["message"].startswith("unison_storage.unison_model:UNISON_MODEL: 10 labels")


@pytest.mark.parametrize("model", ["no_such_module:MODEL", "nonsense", "unison_storage.cli.app:app"])
def test_a_graph_model_that_can_not_be_loaded_fails_alone(invoke: Invoke, model: str) -> None:
    invoke("migrate")
    code, checks = looked(invoke, graph_model=model)
    broken = checks.pop("settings/graph model")
    assert (code, broken["state"]) == (1, "failed")
    assert broken["origin"] == "environment UNISON_STORAGE_GRAPH_MODEL"
    assert "install its module" in broken["remedy"]
    assert states(checks) == {"ok"}
    assert "from environment UNISON_STORAGE_GRAPH_MODEL" in invoke("doctor", graph_model=model).stdout


@pytest.mark.parametrize(
    ("content", "mode", "profile", "state"),
    [
        (None, 0, "development", "failed"),
        ("", 0o600, "development", "warning"),
        ("no toml [", 0o600, "development", "failed"),
        ('[[tokens]]\nname = "a"\n', 0o600, "development", "ok"),
        ('[[tokens]]\nname = "a"\n', 0o644, "development", "warning"),
        ('[[tokens]]\nname = "a"\n', 0o644, "staging", "failed"),
        ('[[tokens]]\nname = "a"\nexpires = 2020-01-01T00:00:00Z\n', 0o600, "development", "warning"),
    ],
)
def test_the_tokens_file(
    invoke: Invoke, tmp_path: Path, content: str | None, mode: int, profile: str, state: str
) -> None:
    file = tmp_path / "tokens.toml"
    if content is not None:
        file.write_text(content)
        file.chmod(mode)
    _, checks = looked(invoke, http_tokens_file=str(file), profile=profile)
    check = checks["tokens/UNISON_STORAGE_HTTP_TOKENS_FILE"]
    assert check["state"] == state
    assert (check["remedy"] is None) is (state == "ok")


def test_tokens_beyond_a_file(invoke: Invoke) -> None:
    assert looked(invoke, http_token=CANARY)[1]["tokens/UNISON_STORAGE_HTTP_TOKEN"]["state"] == "ok"
    _, strict = looked(invoke, http_token=CANARY, profile="production")
    assert strict["tokens/UNISON_STORAGE_HTTP_TOKEN"]["state"] == "failed"
    assert CANARY not in str(strict)
    assert looked(invoke, profile="production")[1]["tokens/tokens"]["state"] == "warning"
