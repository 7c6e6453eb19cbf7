"""The data folder of a development service: made for its owner alone, with a token that is made once.

Which storage lies in it is decided by settings (``commands``).
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

from unison_storage.errors import InvalidConfig

FOLDER: Final = Path("data")
TOKEN: Final = FOLDER / "token"
_OTHERS: Final = 0o077
_MAX_BYTES: Final = 4_096


def prepare(folder: Path = FOLDER) -> None:
    """Make the folder with mode 0700, or refuse one that others own or can look into."""
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        _check(folder, stat.S_ISDIR, "folder", "chmod 700")
    except OSError as error:
        raise InvalidConfig(f"the data folder {folder} can't be made ({error.strerror})") from None


def token(path: Path = TOKEN) -> str:
    """Return the token kept in a file, made with mode 0600 where there is none."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        _check(path, stat.S_ISREG, "token file", "chmod 600")
    else:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
    with path.open() as file:
        found = file.read(_MAX_BYTES).strip()
    if not found:
        raise InvalidConfig(f"{path} is empty: remove it, and a new token is made")
    return found


def _check(path: Path, is_kind: Callable[[int], bool], name: str, remedy: str) -> None:
    found = path.lstat()
    if not is_kind(found.st_mode):
        raise InvalidConfig(f"{path} is no {name}")
    if found.st_uid != os.geteuid():
        raise InvalidConfig(f"the {name} {path} belongs to another user: start elsewhere, or remove it")
    if stat.S_IMODE(found.st_mode) & _OTHERS:
        raise InvalidConfig(f"others can look into the {name} {path}: {remedy} {path}")
