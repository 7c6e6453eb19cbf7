from __future__ import annotations

from typing import Any

import psycopg
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import pq

from unison_storage_postgres import arrays

TEXT = st.text(st.characters(exclude_characters="\x00", codec="utf-8"))
BIGINT = st.integers(-(2**63), 2**63 - 1)
CASES: list[tuple[str, Any, st.SearchStrategy[Any]]] = [
    ("text", arrays.text, TEXT | st.none()),
    ("bytea", arrays.bytea, st.binary()),
    ("bigint", arrays.bigint, BIGINT | st.none()),
    ("boolean", arrays.boolean, st.booleans()),
    ("text[]", arrays.texts, st.lists(TEXT | st.none(), min_size=1)),
    ("bytea[]", arrays.byteas, st.lists(st.binary() | st.none(), min_size=1)),
    ("bigint[]", arrays.bigints, st.lists(BIGINT | st.none(), min_size=1)),
]


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def _reads_what_was_written(connection: psycopg.Connection[Any], data: st.DataObject) -> None:
    name, encode, values = data.draw(st.sampled_from(CASES))
    value = data.draw(values)
    result = connection.pgconn.exec_params(f"SELECT $1::{name}".encode(), [encode(value)], None, [1], 1)
    assert result.status == pq.ExecStatus.TUPLES_OK, result.error_message
    reading = psycopg.adapt.Transformer(connection)
    reading.set_pgresult(result)
    assert reading.load_rows(0, 1, tuple) == [(value,)]


def test_the_server_reads_what_was_written(empty: str) -> None:
    with psycopg.connect(empty) as connection:
        _reads_what_was_written(connection)
