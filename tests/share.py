"""The share of long tests that this run plays where tests run on several Pythons. Who starts them stands elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TypeVar

Item = TypeVar("Item")

RUN, RUNS = map(int, os.environ.get("SUITE_SHARE", "0/1").split("/"))  # noqa: TID251 - run_suites tells it


def shared(items: Iterable[Item]) -> list[Item]:
    """Return the items that are this run's; the runs together play each once. A run by itself plays all."""
    return list(items)[RUN::RUNS]
