"""Running an example as a person does, in a process of its own. What is true of its answers stands in the tests."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def answers_of(example: Path, environment: dict[str, str], *arguments: str) -> dict[str, Any]:
    run = subprocess.run(
        [sys.executable, str(example), "--json", *arguments],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
        timeout=240,
    )
    assert run.returncode == 0, run.stderr[-2_000:]
    found: dict[str, Any] = json.loads(run.stdout)
    return found
