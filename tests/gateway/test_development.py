from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from unison_storage.errors import InvalidConfig
from unison_storage_gateway import development


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_folder_and_token_are_for_their_owner_alone(folder: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        development.prepare(folder)
        token = development.token(folder / "token")
    finally:
        os.umask(before)
    assert (mode(folder), mode(folder / "token")) == (0o700, 0o600)
    assert len(token) >= 43


def test_a_token_is_made_once(folder: Path) -> None:
    development.prepare(folder)
    first = development.token(folder / "token")
    development.prepare(folder)
    assert development.token(folder / "token") == first
    (folder / "token").unlink()
    assert development.token(folder / "token") != first


@pytest.mark.parametrize("wide", [0o755, 0o750, 0o701, 0o770])
def test_a_folder_that_others_can_look_into_is_refused(folder: Path, wide: int) -> None:
    folder.mkdir()
    folder.chmod(wide)
    with pytest.raises(InvalidConfig, match="chmod 700"):
        development.prepare(folder)


def test_a_token_that_others_can_read_is_refused(folder: Path) -> None:
    development.prepare(folder)
    development.token(folder / "token")
    (folder / "token").chmod(0o644)
    with pytest.raises(InvalidConfig, match="chmod 600"):
        development.token(folder / "token")


def test_links_and_other_things_are_refused(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    folder.symlink_to(elsewhere)
    with pytest.raises(InvalidConfig, match="no folder"):
        development.prepare(folder)
    folder.unlink()
    folder.touch()
    with pytest.raises(InvalidConfig, match="no folder"):
        development.prepare(folder)
    (tmp_path / "secret").write_text("another")
    (elsewhere / "token").symlink_to(tmp_path / "secret")
    with pytest.raises(InvalidConfig, match="no token file"):
        development.token(elsewhere / "token")
    with pytest.raises(InvalidConfig, match="can't be made"):
        development.prepare(tmp_path / "absent" / "data")


def test_what_belongs_to_another_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    development.prepare(folder)
    development.token(folder / "token")
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(InvalidConfig, match="another user"):
        development.prepare(folder)
    with pytest.raises(InvalidConfig, match="another user"):
        development.token(folder / "token")


def test_an_empty_token_is_refused(folder: Path) -> None:
    development.prepare(folder)
    (folder / "token").touch(mode=0o600)
    with pytest.raises(InvalidConfig, match="empty"):
        development.token(folder / "token")
