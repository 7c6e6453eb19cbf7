from __future__ import annotations

from datetime import UTC, datetime

from unison_storage.values import ErasedKind, ErasureReport
from unison_storage_gateway import records


def test_times_have_microseconds_and_a_z() -> None:
    assert records.rfc3339(datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)) == "2030-01-02T03:04:05.000000Z"
    assert records.rfc3339(datetime(2030, 1, 2, 3, 4, 5, 6, tzinfo=UTC)) == "2030-01-02T03:04:05.000006Z"
    assert records.rfc3339_or_none(None) is None


def test_a_report_hides_the_texts_of_errors() -> None:
    kinds = {"memory": ErasedKind(2), "object": ErasedKind(0, error="Unavailable: no route to db.internal")}
    shown = records.report(ErasureReport("ann", kinds))
    assert (shown["complete"], shown["dry_run"]) == (False, False)
    assert shown["kinds"] == {
        "memory": {"erased": 2, "pending": 0, "failed": False},
        "object": {"erased": 0, "pending": 0, "failed": True},
    }
