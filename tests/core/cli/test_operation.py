"""check, config, migrate, sweep, reconcile."""

from __future__ import annotations

from pathlib import Path

from tests.core.cli.conftest import Invoke, document

CANARY = "canary-5f2c"


def test_check_allows_development_and_refuses_production(invoke: Invoke) -> None:
    allowed = invoke("check")
    assert (allowed.exit_code, allowed.stdout) == (0, "")
    assert "no rule is broken" in allowed.stderr
    refused = invoke("check", "--profile", "production", "--json")
    assert refused.exit_code == 1
    judged = document(refused)
    assert (judged["profile"], judged["ok"]) == ("production", False)
    assert {finding["kind"] for finding in judged["findings"]} == {"memory", "object", "object_index", "graph", "cache"}
    assert set(judged["findings"][0]) == {"rule", "severity", "kind", "setting", "message", "remedy"}
    table = invoke("check", "--profile", "production").stdout
    for word in ("production-ready", "memory", "object_index", "UNISON_STORAGE_DATABASE_URL", "postgresql://"):
        assert word in table


def test_check_of_nothing_is_no_success(invoke: Invoke, settings: dict[str, str]) -> None:
    del settings["UNISON_STORAGE_DATABASE_URL"]
    result = invoke("check")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("InvalidConfig: nothing is set that could be checked")


def test_a_profile_that_is_none(invoke: Invoke) -> None:
    assert invoke("check", "--profile", "nonsense").exit_code == 2
    assert invoke("check", profile="nonsense").exit_code == 1


def test_check_opens_nothing(invoke: Invoke, tmp_path: Path) -> None:
    invoke("check")
    assert list(tmp_path.iterdir()) == []


def test_explain_masks_and_names_origins(invoke: Invoke, tmp_path: Path) -> None:
    file = tmp_path / "storage.toml"
    file.write_text(f'memory_url = "redis://user:{CANARY}@host/0?option={CANARY}"\n')
    explained = invoke("config", "explain", "--json", config=str(file), http_token=CANARY)
    assert explained.exit_code == 0
    rows = {row["name"]: row for row in document(explained)["settings"]}
    assert rows["memory_url"] == {
        "name": "memory_url",
        "value": "redis://user:***@host/0?option=***",
        "origin": f"file {file}",
    }
    assert rows["http_token"]["value"] == "***"
    assert rows["profile"]["origin"] == "environment UNISON_STORAGE_PROFILE"
    assert rows["graph_url"]["origin"] == "default"
    text = invoke("config", "explain", config=str(file), http_token=CANARY)
    assert CANARY not in explained.output + text.output
    assert "redis://user:***@host/0" in text.stdout


def test_explain_shows_what_a_keyspace_says_of_the_cache(invoke: Invoke) -> None:
    given = {"keyspaces__thumbs__codec": "raw", "keyspaces__thumbs__on_failure": "degrade"}
    rows = {row["name"]: row for row in document(invoke("config", "explain", "--json", **given))["settings"]}
    assert (rows["keyspaces.thumbs.codec"]["value"], rows["keyspaces.thumbs.on_failure"]["value"]) == ("raw", "degrade")
    assert rows["keyspaces.thumbs.codec"]["origin"] == "environment UNISON_STORAGE_KEYSPACES__THUMBS__CODEC"
    wrong = invoke("config", "explain", keyspaces__thumbs__codec="pickle")
    assert (wrong.exit_code, wrong.stderr.partition(":")[0]) == (1, "InvalidConfig")


def test_migrate(invoke: Invoke) -> None:
    before = invoke("migrate", "--status", "--json")
    assert before.exit_code == 1
    (database,) = document(before)["databases"]
    assert (database["have"], database["current"]) == (None, False)
    assert database["steps"]
    assert "not there" in invoke("migrate", "--status").stdout
    dry = invoke("migrate", "--dry-run")
    assert dry.exit_code == 0
    assert "CREATE TABLE" in dry.stdout
    assert "CREATE TABLE" in document(invoke("migrate", "--dry-run", "--json"))["databases"][0]["steps"][0]["text"]
    assert invoke("migrate", "--status").exit_code == 1
    applied = invoke("migrate")
    assert applied.exit_code == 0
    assert f"{len(database['steps'])} steps applied, now {database['want']}" in applied.stdout
    again = document(invoke("migrate", "--json"))["databases"][0]
    assert (again["applied"], again["have"]) == ([], database["want"])
    after = invoke("migrate", "--status")
    assert after.exit_code == 0
    assert "current" in after.stdout
    assert invoke("migrate", "--status", "--dry-run").exit_code == 2


def test_migrating_marks_what_production_and_staging_use(invoke: Invoke) -> None:
    assert "marked" not in invoke("migrate").stdout
    marked = invoke("migrate", profile="staging")
    assert (marked.exit_code, marked.stdout.partition(": ")[2].strip()) == (
        0,
        "was current, now 0004_cache, marked as staging",
    )
    assert document(invoke("migrate", "--status", "--json"))["databases"][0]["profile"] == "staging"


def test_migrating_where_nothing_has_a_schema(invoke: Invoke) -> None:
    result = invoke("migrate", "--json", database_url="reference://")
    assert (result.exit_code, document(result)) == (0, {"databases": []})
    assert "no database here has a schema" in result.stderr


def test_sweep(invoke: Invoke) -> None:
    assert document(invoke("sweep", "--json")) == {"swept": {"memory": 0, "object": 0, "cache": 0}}
    assert invoke("sweep", "--once").stdout == "removed: memory 0, object 0, cache 0\n"


def test_reconcile_finds_what_is_gone_and_what_is_damaged(invoke: Invoke, tmp_path: Path) -> None:
    for key in ("gone", "damaged", "fine"):
        invoke("object", "put", "dumps", key, input=key.encode())
    clean = invoke("reconcile", "--scrub")
    assert clean.exit_code == 0
    assert clean.stdout == "3 objects read: 0 missing, 0 damaged; 0 blobs without an object, 0 removed\n"
    blobs = {path.read_bytes(): path for path in tmp_path.rglob("*") if path.is_file() and "blobs" in str(path.parent)}
    blobs[b"gone"].unlink()
    blobs[b"damaged"].write_bytes(b"DAMAGED")
    ids = {key: document(invoke("object", "head", "dumps", key, "--json"))["id"] for key in ("gone", "damaged")}
    compared = invoke("reconcile", "--dry-run", "--json")
    assert compared.exit_code == 1
    assert (document(compared)["missing"], document(compared)["damaged"]) == ([ids["gone"]], [])
    scrubbed = invoke("reconcile", "--scrub", "--json")
    assert scrubbed.exit_code == 1
    assert document(scrubbed) == {
        "checked": 3,
        "scrubbed": True,
        "orphans": [],
        "removed": 0,
        "missing": [ids["gone"]],
        "damaged": [ids["damaged"]],
    }
    told = invoke("reconcile", "--scrub")
    assert ids["gone"] in told.stdout
    assert "missing" in told.stderr
