from __future__ import annotations

import asyncio
import os
import socket
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from unison_storage_conformance.resources.held import grown

KEPT: list[Any] = []


def keeps_descriptor() -> None:
    KEPT.extend(os.pipe())


def keeps_thread() -> None:
    ended = threading.Event()
    KEPT.append(ended)
    threading.Thread(target=ended.wait, args=(30,), daemon=True, name="kept").start()


def keeps_task() -> None:
    KEPT.append(asyncio.ensure_future(asyncio.Event().wait()))


def keeps_file() -> None:
    number, _ = tempfile.mkstemp(suffix=".kept")
    os.close(number)


def drops_socket() -> None:
    socket.socketpair()


def keeps_nothing() -> None:
    with tempfile.TemporaryFile() as file:
        file.write(b"x")


@pytest.mark.parametrize(
    ("step", "word"),
    [
        (keeps_descriptor, "descriptor pipe"),
        (keeps_thread, "thread kept"),
        (keeps_task, "task Event.wait"),
        (keeps_file, ".kept"),
        (drops_socket, "unclosed <socket"),
    ],
)
def test_what_is_kept_is_told(step: Callable[[], None], word: str) -> None:
    async def work() -> None:
        step()

    found = asyncio.run(grown(work))
    for one in KEPT:
        if isinstance(one, int):
            os.close(one)
        elif isinstance(one, threading.Event):
            one.set()
    KEPT.clear()
    assert found
    assert all(word in one for one in found), found


def test_what_is_let_go_is_not_told(tmp_path: Path) -> None:
    async def work() -> None:
        keeps_nothing()
        await asyncio.to_thread((tmp_path / "a").write_bytes, b"x")
        await asyncio.create_task(asyncio.sleep(0))

    assert asyncio.run(grown(work)) == []


def test_what_is_kept_once_for_good_does_not_grow() -> None:
    kept: list[Any] = []

    async def work() -> None:
        if not kept:
            kept.extend(os.pipe())

    assert asyncio.run(grown(work)) == []
    for end in kept:
        os.close(end)
