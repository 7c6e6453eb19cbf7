"""The error tree: what is drawn is what there is, and an error survives every way of copying it."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import unison_storage
from unison_storage import errors
from unison_storage.errors import BatchFailed, GuardViolation, NotFound, StorageError, TooLarge, Unavailable

CLASSES = sorted(
    (thing for thing in vars(errors).values() if inspect.isclass(thing) and issubclass(thing, StorageError)),
    key=lambda one: one.__name__,
)


def pickled(protocol: int, error: StorageError) -> StorageError:
    return cast("StorageError", pickle.loads(pickle.dumps(error, protocol)))


WAYS: dict[str, Callable[[StorageError], StorageError]] = {
    "copy method": lambda error: error.copy(),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{f"pickle {protocol}": partial(pickled, protocol) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)},
}

words = st.text(max_size=20)
places = st.none() | words
plain = st.none() | st.integers() | words | st.dictionaries(words, words)


@st.composite
def any_errors(draw: st.DrawFn) -> StorageError:
    cls = draw(st.sampled_from(CLASSES))
    return cls(
        draw(words),
        kind=draw(places),
        operation=draw(places),
        backend=draw(places),
        retryable=draw(st.none() | st.booleans()),
        outcome_unknown=draw(st.booleans()),
        **{name: draw(plain) for name in cls.fields},
    )


def drawn() -> set[tuple[str, str | None]]:
    """Return (class, parent) of every class in the picture of the module's docstring."""
    pairs: set[tuple[str, str | None]] = set()
    above: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        names = re.findall(r"[A-Z]\w+", line)
        if not re.match(r"    (StorageError$|[ │]*[├└])", line) or not names:
            continue
        depth = line.index(names[0])
        above = [(column, name) for column, name in above if column < depth]
        pairs |= {(name, above[-1][1] if above else None) for name in names}
        above.append((depth, names[0]))
    return pairs


def test_the_picture_is_the_tree() -> None:
    real = {
        (one.__name__, one.__base__.__name__ if one is not StorageError else None) for one in CLASSES if one.__base__
    }
    assert len(real) > 40
    assert drawn() == real


@pytest.mark.parametrize("cls", CLASSES)
def test_every_class_is_public_and_says_what_to_do(cls: type[StorageError]) -> None:
    assert cls.__name__ in unison_storage.__all__
    assert getattr(unison_storage, cls.__name__) is cls
    assert (cls.__doc__ or "").strip()
    assert cls.__doc__ != cls.__base__.__doc__ if cls.__base__ else True


@pytest.mark.parametrize("way", WAYS)
@given(error=any_errors())
@settings(deadline=None, max_examples=60)
def test_every_way_of_copying_keeps_everything(way: str, error: StorageError) -> None:
    twin = WAYS[way](error)
    assert twin is not error
    assert type(twin) is type(error)
    assert twin.__dict__ == error.__dict__
    assert (twin.args, str(twin), repr(twin)) == (error.args, str(error), repr(error))


@given(error=any_errors(), kind=words, operation=words, backend=words)
@settings(deadline=None, max_examples=100)
def test_a_place_is_filled_in_where_it_is_open_and_kept_elsewhere(
    error: StorageError, kind: str, operation: str, backend: str
) -> None:
    before = error.copy()
    assert error.at(kind, operation, backend) is error
    assert error.kind == (before.kind or kind)
    assert error.operation == (before.operation or operation)
    assert error.backend == (before.backend or backend)
    assert (str(error), error.retryable) == (str(before), before.retryable)


def test_a_copy_shares_neither_place_nor_traceback() -> None:
    def fail() -> None:
        raise NotFound("nothing")

    with pytest.raises(NotFound) as caught:
        fail()
    twin = caught.value.copy()
    twin.at("memory", "get", "reference")
    assert twin.__traceback__ is None
    assert caught.value.__traceback__ is not None
    assert caught.value.kind is None


@pytest.mark.parametrize("cls", CLASSES)
def test_what_may_succeed_later_is_retryable(cls: type[StorageError]) -> None:
    later = issubclass(cls, errors.AvailabilityError) or cls in {errors.MigrationLocked, errors.LeaseHeld}
    assert cls("m").retryable is later
    assert cls("m", retryable=not later).retryable is not later
    assert cls("m").outcome_unknown is False


@pytest.mark.parametrize("cls", CLASSES)
def test_fields_are_there_even_when_not_given(cls: type[StorageError]) -> None:
    error = cls("m")
    assert [getattr(error, name) for name in cls.fields] == [None] * len(cls.fields)


def test_details_are_kept_under_their_names() -> None:
    assert TooLarge("m", limit=5).limit == 5
    assert BatchFailed("m", results={"a": 1}).results == {"a": 1}
    violation = GuardViolation("m", rule="durable", remedy="do this", kind="memory")
    assert (violation.rule, violation.remedy, violation.kind) == ("durable", "do this", "memory")


@pytest.mark.parametrize(("cls", "name"), [(NotFound, "limit"), (TooLarge, "rule"), (Unavailable, "values")])
def test_a_detail_that_the_class_does_not_have_is_a_type_error(cls: type[StorageError], name: str) -> None:
    details: dict[str, Any] = {name: 1}
    with pytest.raises(TypeError, match=name):
        cls("m", **details)
