from __future__ import annotations

import hashlib
import stat
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.core.cli.conftest import Invoke, document
from unison_storage.cli.tokens_file import PERMISSIONS
from unison_storage_gateway import principals
from unison_storage_gateway.tokens import entries

NEW = ("tokens", "new", "ci", "--all-persons", "--permission", "memory:read")


def test_the_gateway_reads_what_is_written(invoke: Invoke, tmp_path: Path) -> None:
    file = tmp_path / "tokens.toml"
    first = invoke(
        *("tokens", "new", "phone", "--person", "p-1", "--person", "p.2", "--permission", "memory:*"),
        *("--permission", "vault:reveal", "--expires", "90d", "--file", str(file)),
    )
    assert first.exit_code == 0
    token = first.stdout.removesuffix("\n")
    assert "\n" not in token
    assert "not shown again" in first.stderr
    assert token not in first.stderr + file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    second = document(invoke(*NEW, "--file", str(file), "--json"))
    phone, everybody = entries(tomllib.loads(file.read_text()))
    assert phone.sha256 == hashlib.sha256(token.encode()).hexdigest()
    assert phone.principal == principals.Principal(
        "phone", frozenset(("p-1", "p.2")), frozenset(("memory:*", "vault:reveal"))
    )
    ninety_days = datetime.now(UTC) + timedelta(days=90)
    assert phone.expires is not None
    assert abs(phone.expires - ninety_days.timestamp()) < 60
    assert everybody.principal.persons is None
    assert everybody.sha256 == principals.digest(second["token"])


def test_permissions_are_those_of_the_gateway() -> None:
    assert set(PERMISSIONS) == principals.PERMISSIONS | {f"{kind}:*" for kind in principals.KINDS}


def test_two_tokens_of_one_name_overlap(invoke: Invoke, tmp_path: Path) -> None:
    file = tmp_path / "tokens.toml"
    tokens = {invoke(*NEW, http_tokens_file=str(file)).stdout for _ in range(2)}
    assert len(tokens) == 2
    assert len(entries(tomllib.loads(file.read_text()))) == 2
    third = invoke(*NEW, http_tokens_file=str(file))
    assert "3 tokens are called ci now" in third.stderr


def test_without_a_file_the_entry_is_for_pasting(invoke: Invoke) -> None:
    result = invoke(*NEW, "--expires", "2999-01-01T00:00:00+02:00")
    assert len(result.stdout.splitlines()) == 1
    pasted = result.stderr.partition("paste this into one:")[2]
    (token,) = entries(tomllib.loads(pasted))
    assert token.expires == datetime.fromisoformat("2998-12-31T22:00:00+00:00").timestamp()


@pytest.mark.parametrize(
    "words",
    [
        ("bad name", "--all-persons", "--permission", "erase"),
        ('quote"', "--all-persons", "--permission", "erase"),
        ("ci", "--permission", "erase"),
        ("ci", "--all-persons", "--person", "p1", "--permission", "erase"),
        ("ci", "--person", "../x", "--permission", "erase"),
        ("ci", "--all-persons"),
        ("ci", "--all-persons", "--permission", "memory:raed"),
        ("ci", "--all-persons", "--permission", "*"),
        ("ci", "--all-persons", "--permission", "erase", "--expires", "2020-01-01T00:00:00Z"),
        ("ci", "--all-persons", "--permission", "erase", "--expires", "2999-01-01T00:00:00"),
        ("ci", "--all-persons", "--permission", "erase", "--expires", "0"),
        ("ci", "--all-persons", "--permission", "erase", "--expires", "99999999999999d"),
    ],
)
def test_wrong_usage_makes_nothing(invoke: Invoke, tmp_path: Path, words: tuple[str, ...]) -> None:
    file = tmp_path / "tokens.toml"
    result = invoke("tokens", "new", *words, "--file", str(file))
    assert (result.exit_code, result.stdout) == (2, "")
    assert not file.exists()


def test_a_mistyped_permission_gets_near_names(invoke: Invoke) -> None:
    assert "memory:read" in invoke("tokens", "new", "ci", "--all-persons", "--permission", "memory:raed").stderr


@pytest.mark.parametrize("content", ["no toml [", 'other = "thing"\n', "tokens = 3\n", "tokens = []\n"])
def test_a_file_that_is_something_else_stays_as_it_is(invoke: Invoke, tmp_path: Path, content: str) -> None:
    file = tmp_path / "tokens.toml"
    file.write_text(content)
    file.chmod(0o600)
    result = invoke(*NEW, "--file", str(file))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("InvalidConfig: ")
    assert file.read_text() == content


def test_a_file_that_others_may_change_is_refused(invoke: Invoke, tmp_path: Path) -> None:
    file = tmp_path / "tokens.toml"
    file.touch()
    file.chmod(0o666)
    result = invoke(*NEW, "--file", str(file))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "chmod 600" in result.stderr


def test_a_file_without_its_last_line_break(invoke: Invoke, tmp_path: Path) -> None:
    file = tmp_path / "tokens.toml"
    invoke(*NEW, "--file", str(file))
    file.write_text(file.read_text().rstrip("\n"))
    invoke(*NEW, "--file", str(file))
    assert len(entries(tomllib.loads(file.read_text()))) == 2
