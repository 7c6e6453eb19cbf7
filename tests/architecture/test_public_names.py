"""What `from unison_storage import …` offers."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import pytest

import unison_storage
from unison_storage import errors, values

if TYPE_CHECKING:
    from types import ModuleType


def test_every_name_resolves() -> None:
    assert unison_storage.__all__
    unresolved = [name for name in unison_storage.__all__ if getattr(unison_storage, name, None) is None]
    assert unresolved == []


def test_no_name_is_listed_twice() -> None:
    assert len(unison_storage.__all__) == len(set(unison_storage.__all__))


def test_dir_shows_them() -> None:
    assert set(unison_storage.__all__) <= set(dir(unison_storage))


def test_an_unknown_name_is_an_attribute_error() -> None:
    name = "no_such_name"
    with pytest.raises(AttributeError, match=name):
        getattr(unison_storage, name)


@pytest.mark.parametrize("module", [errors, values])
def test_all_records_and_errors_are_public(module: ModuleType) -> None:
    defined = {
        name
        for name, thing in vars(module).items()
        if not name.startswith("_") and inspect.isclass(thing) and thing.__module__ == module.__name__
    }
    assert defined
    assert defined - set(unison_storage.__all__) == set()
