from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unison_storage.contracts.memory import Delete, Increment, Put, Touch
from unison_storage.errors import InvalidConfig, NotFound
from unison_storage.values import ABSENT, ANY, KEEP, MISSING, PRESENT, Edge, Node
from unison_storage_conformance.notation import read, written

words = st.text(max_size=8)
items = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    words,
    st.binary(max_size=20),
    st.sampled_from([ANY, ABSENT, PRESENT, KEEP, MISSING]),
    st.builds(Put, words, st.binary(max_size=9), words, st.none() | st.integers(), expect=st.sampled_from([ANY, "v"])),
    st.builds(Delete, words),
    st.builds(Touch, words, st.none() | st.integers()),
    st.builds(Increment, words, st.integers(), words, st.none() | st.integers(), st.none() | words),
    st.builds(Node, words, words, st.dictionaries(words, st.integers() | words, max_size=2)),
    st.builds(Edge, words, st.tuples(words, words), st.tuples(words, words), words, st.just({})),
)


@given(st.lists(items | st.tuples(words, st.integers()), max_size=5))
def test_calls_are_read_back_as_they_were(given: list[Any]) -> None:
    assert read(json.loads(json.dumps(written(given)))) == given


def test_an_answer_that_is_an_error_is_told_by_its_class() -> None:
    assert written(NotFound("nothing there")) == {"is": "error", "class": "NotFound", "message": "nothing there"}


@pytest.mark.parametrize("strange", [{"is": "os.system", "command": "x"}, {"is": "bytes"}, {"no": 1}, {"is": "member"}])
def test_what_is_no_call_of_a_contract_is_not_read(strange: Any) -> None:
    with pytest.raises(InvalidConfig, match="can't be read back"):
        read([strange])
