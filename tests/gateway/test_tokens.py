from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.service import tokens_file
from unison_storage.errors import InvalidConfig
from unison_storage_gateway.principals import digest
from unison_storage_gateway.tokens import TokensFile, entries

ENTRY: dict[str, Any] = {"name": "svc", "sha256": "0" * 64, "persons": "*", "permissions": ["memory:read"]}


def test_the_file_maps_tokens_to_principals(tmp_path: Path) -> None:
    path = tokens_file(
        tmp_path,
        svc={"persons": "*", "permissions": ["memory:read", "cache:*"]},
        ann={"persons": ["ann", "bob"], "permissions": ["object:*"], "name": "device-1"},
    )
    tokens = TokensFile(path, strict=True)
    svc, ann = tokens.verify("svc"), tokens.verify("ann")
    assert svc is not None
    assert ann is not None
    assert (svc.name, svc.persons, svc.permissions) == ("svc", None, frozenset(("memory:read", "cache:*")))
    assert (ann.name, ann.persons) == ("device-1", frozenset(("ann", "bob")))
    assert tokens.verify(digest("svc")) is None


def test_an_expired_token_is_unknown(tmp_path: Path) -> None:
    now = 1_900_000_000.0
    path = tokens_file(tmp_path, a={"persons": "*", "permissions": [], "expires": datetime.fromtimestamp(now, UTC)})
    times = iter((now - 0.001, now, now + 1))
    tokens = TokensFile(path, strict=True, now=lambda: next(times))
    assert [tokens.verify("a") is None for _ in range(3)] == [False, True, True]


def test_a_change_is_seen_at_once_and_tokens_may_overlap(tmp_path: Path) -> None:
    path = tokens_file(tmp_path, old={"persons": "*", "permissions": []})
    tokens = TokensFile(path, strict=True)
    both = {"persons": "*", "permissions": [], "name": "svc"}
    tokens_file(tmp_path, old=both, new=both)
    assert tokens.verify("old") == tokens.verify("new") is not None
    # put in its place by rename, as secret stores do
    folder = tmp_path / "next"
    folder.mkdir()
    tokens_file(folder, new=both).rename(path)
    assert (tokens.verify("old"), tokens.verify("new") is None) == (None, False)
    path.write_text("tokens = []\n")
    assert tokens.verify("new") is None


@pytest.mark.parametrize("broken", ["", "[[tokens]]\nname = 1", "no toml [", b"\xff", "removed", "readable"])
def test_a_broken_change_leaves_the_old_in_force_and_is_logged_once(
    tmp_path: Path, broken: str | bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tokens_file(tmp_path, old={"persons": "*", "permissions": []})
    tokens = TokensFile(path, strict=True)
    if broken == "removed":
        path.unlink()
    elif broken == "readable":
        path.chmod(0o640)
    elif isinstance(broken, bytes):
        path.write_bytes(broken)
    else:
        path.write_text(broken)
    for _ in range(3):
        assert tokens.verify("old") is not None
    assert [record.message for record in caplog.records] == ["tokens_file_unusable"]
    path.unlink(missing_ok=True)
    tokens_file(tmp_path, new={"persons": "*", "permissions": []})
    assert tokens.verify("new") is not None
    assert tokens.verify("old") is None


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644])
def test_others_may_neither_read_nor_write_the_file(tmp_path: Path, mode: int) -> None:
    path = tokens_file(tmp_path, a={"persons": "*", "permissions": []})
    path.chmod(mode)
    with pytest.raises(InvalidConfig, match=r"UNISON_STORAGE_HTTP_TOKENS_FILE.*chmod 600"):
        TokensFile(path, strict=True)
    assert TokensFile(path, strict=False).verify("a") is not None


def test_a_file_that_is_not_there_is_a_mistake_of_settings(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match="UNISON_STORAGE_HTTP_TOKENS_FILE"):
        TokensFile(tmp_path / "none", strict=False)


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": "has space"},
        {"name": 1},
        {"sha256": "0" * 63},
        {"sha256": "0" * 63 + "G"},
        {"sha256": "canary"},
        {"persons": []},
        {"persons": "ann"},
        {"persons": ["*"]},
        {"persons": ["not a person"]},
        {"persons": [1]},
        {"permissions": "memory:read"},
        {"permissions": ["*"]},
        {"permissions": ["memory:reads"]},
        {"permissions": ["erase:*"]},
        {"permissions": [1]},
        {"expires": "2030-01-01"},
        {"expires": datetime(2030, 1, 1)},  # noqa: DTZ001 - a time without an offset is what is refused
        {"more": 1},
    ],
)
def test_an_entry_that_is_wrong_is_named_and_not_quoted(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidConfig, match="entry 2") as refused:
        entries({"tokens": [ENTRY, {**ENTRY, "sha256": "1" * 64, **change}]})
    assert "canary" not in refused.value.message


@pytest.mark.parametrize(
    "content", [{}, {"tokens": {}}, {"tokens": [1]}, {"tokens": [ENTRY, ENTRY]}, {"tokens": [], "x": 1}]
)
def test_a_file_of_another_shape_is_refused(content: dict[str, Any]) -> None:
    with pytest.raises(InvalidConfig):
        entries(content)


@pytest.mark.parametrize("field", ["name", "sha256", "persons", "permissions"])
def test_what_is_required(field: str) -> None:
    with pytest.raises(InvalidConfig):
        entries({"tokens": [{name: value for name, value in ENTRY.items() if name != field}]})
