"""The clock of this machine."""

from __future__ import annotations

import asyncio
import time

from unison_storage.clock import SystemClock


def test_now_is_whole_microseconds_since_the_epoch() -> None:
    before = time.time_ns()
    now = SystemClock().now()
    after = time.time_ns()
    assert type(now) is int
    assert before // 1000 <= now <= after // 1000


def test_monotonic_never_goes_backwards_and_sleeping_takes_as_long_as_it_says() -> None:
    clock = SystemClock()
    before = clock.monotonic()
    asyncio.run(clock.sleep(0.01))
    assert clock.monotonic() - before >= 0.009
    readings = [clock.monotonic() for _ in range(100)]
    assert readings == sorted(readings)
