"""Print the newest supported Python of this machine, or nothing if the one that runs this is the newest.

``make test`` runs the tests on it too: what a newer Python deprecates shows there first. Interpreters are looked
for on PATH and, where pyenv is installed, among its versions.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NEWEST_SUPPORTED = 14

# A shim on PATH may stand for nothing, and an interpreter may have been built without what the tests need.
PROBE = "import ensurepip, sqlite3, ssl, sys; print(sys.version_info.major, sys.version_info.minor)"


def main() -> None:
    """Print the path of the newest interpreter, if it is newer than this one."""
    newest = newest_python(newer_than=sys.version_info.minor, find=find)
    if newest is not None:
        print(newest)


def newest_python(*, newer_than: int, find: Callable[[int], Iterator[str]]) -> str | None:
    """Return the first working candidate of the newest minor version."""
    for minor in range(NEWEST_SUPPORTED, newer_than, -1):
        for candidate in find(minor):
            if works(candidate, minor):
                return candidate
    return None


def find(minor: int) -> Iterator[str]:
    """Yield paths that may be Python 3.``minor``."""
    on_path = shutil.which(f"python3.{minor}")
    if on_path is not None:
        yield on_path
    if shutil.which("pyenv") is not None:
        prefix = subprocess.run(["pyenv", "prefix", f"3.{minor}"], capture_output=True, text=True, check=False)
        if prefix.returncode == 0:
            yield f"{prefix.stdout.strip()}/bin/python3.{minor}"


def works(candidate: str, minor: int) -> bool:
    """Say whether the candidate runs, is of that version and has what the tests need."""
    try:
        probe = subprocess.run([candidate, "-c", PROBE], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return probe.returncode == 0 and probe.stdout.split() == ["3", str(minor)]


if __name__ == "__main__":
    main()
