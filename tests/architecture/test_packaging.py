"""What each distribution holds, seen from its wheel."""

from __future__ import annotations

import configparser
import importlib
import subprocess
import sys
import tomllib
from email import message_from_string
from itertools import combinations
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import pytest

from tests.architecture.source import MEMBERS, ROOT, name

if TYPE_CHECKING:
    from pathlib import Path

Wheels = dict["Path", ZipFile]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Wheels:
    """The wheel of each member, built with the backend that is installed."""
    built = {}
    for member in MEMBERS:
        target = tmp_path_factory.mktemp("wheel")
        command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(target)]
        subprocess.run(command, cwd=member, check=True, capture_output=True)
        (wheel,) = target.glob("*.whl")
        built[member] = ZipFile(wheel)
    return built


def read_toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text())


def files(wheel: ZipFile) -> set[str]:
    return {path for path in wheel.namelist() if ".dist-info/" not in path}


def dist_info(wheel: ZipFile, file: str) -> str:
    (path,) = (path for path in wheel.namelist() if path.endswith(f".dist-info/{file}"))
    return wheel.read(path).decode()


def test_each_wheel_holds_its_sources_and_nothing_else(wheels: Wheels) -> None:
    for member, wheel in wheels.items():
        folder = member / "src"
        sources = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        assert files(wheel) == {path for path in sources if "__pycache__" not in path}, name(member)


def test_each_wheel_is_typed(wheels: Wheels) -> None:
    for member, wheel in wheels.items():
        packages = {path.partition("/")[0] for path in files(wheel)}
        assert {f"{package}/py.typed" for package in packages} <= files(wheel), name(member)


def test_no_file_belongs_to_two_wheels(wheels: Wheels) -> None:
    for one, other in combinations(wheels.values(), 2):
        assert files(one) & files(other) == set()


def test_entry_points_can_be_loaded(wheels: Wheels) -> None:
    for wheel in wheels.values():
        groups = configparser.ConfigParser(delimiters="=")
        groups.read_string(dist_info(wheel, "entry_points.txt"))
        assert groups.sections()
        for group in groups.sections():
            for value in groups[group].values():
                module, _, attribute = value.partition(":")
                found: object = importlib.import_module(module)
                assert not attribute or callable(getattr(found, attribute)), value


def test_all_members_carry_one_version(wheels: Wheels) -> None:
    versions = {message_from_string(dist_info(wheel, "METADATA"))["Version"] for wheel in wheels.values()}
    assert len(versions) == 1


def test_import_contracts_know_every_member(wheels: Wheels) -> None:
    packages = {path.partition("/")[0] for wheel in wheels.values() for path in files(wheel)}
    linter = read_toml(ROOT / "pyproject.toml")["tool"]["importlinter"]
    assert set(linter["root_packages"]) == packages


def test_locks_name_no_address() -> None:
    locks = [ROOT / "requirements.lock", ROOT / "requirements.tools.lock", ROOT / "benchmarks/requirements.lock"]
    for lock in locks:
        lines = lock.read_text().splitlines()
        assert all(line.startswith("    --hash=sha256:") or "==" in line for line in lines), name(lock)
        assert not any("//" in line or " @ " in line for line in lines), name(lock)
