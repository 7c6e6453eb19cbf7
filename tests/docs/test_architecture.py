"""The page that explains the rooms lists every module there is, with the first line of its header."""

from __future__ import annotations

from tests.tools.rooms import CORE, on_page, packages, written


def test_the_list_of_modules_is_true() -> None:
    assert on_page() == written(), "run: python -m tests.tools.rooms"


def test_every_module_of_core_has_its_place_in_the_order() -> None:
    core = packages()["unison_storage"]
    names = {path.stem for path in core.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert names - {"__init__", "__main__"} == set(CORE)


def test_every_module_says_what_it_is() -> None:
    assert [line for line in written().splitlines() if line.endswith("|  |")] == []
