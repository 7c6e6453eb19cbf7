from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tests.tools.newest_python import newest_python, works

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HERE = sys.version_info.minor


def test_only_a_newer_version_is_looked_for() -> None:
    asked = []

    def find(minor: int) -> Iterator[str]:
        asked.append(minor)
        yield sys.executable

    # This interpreter answers with its own version, which is none of those asked for.
    assert newest_python(newer_than=HERE, find=find) is None
    assert HERE not in asked


def test_the_first_candidate_that_works_is_taken(tmp_path: Path) -> None:
    shim = tmp_path / "python"
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)

    def find(minor: int) -> Iterator[str]:
        yield str(tmp_path / "absent")
        yield str(shim)
        if minor == HERE:
            yield sys.executable

    assert newest_python(newer_than=HERE - 1, find=find) == sys.executable


def test_an_interpreter_of_another_version_does_not_work() -> None:
    assert works(sys.executable, HERE)
    assert not works(sys.executable, HERE + 1)
