"""Points: the places at which a process can be made to die: before and after each call that reaches files or sockets.

They are counted, so that one that left something half done can be met again.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Any, Final

DOORS: Final = frozenset(
    (
        *("open", "write", "writelines", "flush", "truncate", "fsync", "fdatasync", "replace", "rename", "link"),
        *("unlink", "remove", "mkdir", "rmdir", "sendfile", "copy_file_range"),
        *("execute", "executemany", "executescript", "commit", "rollback", "blobopen"),
        *("connect", "send", "sendall", "sendmsg", "recv", "recv_into"),
    )
)
"""Functions written in C by whose calls a Python program changes something outside of itself."""

WAITS: Final = frozenset(("poll", "select", "control"))
"""Where an event loop waits for what is outside: all that Python sees of a driver that is written in C altogether."""

_INWARD: Final = ("_write_to_self", "_read_from_self")
"""Where an event loop wakes itself: how often is the machine's choice, and nothing outside is changed."""


class Points:
    """Counts the points that are passed while it is armed, in every thread, and dies at the one that is named."""

    def __init__(self) -> None:
        self.passed = 0
        self._armed = False
        self._last: int | None = None
        self._counted = DOORS

    def watch(self) -> None:
        """Look at every thread from now on; called before any of them is started."""
        threading.setprofile(self._seen)
        sys.setprofile(self._seen)

    def rest(self) -> None:
        """Let this thread go, and those that are started from now on."""
        threading.setprofile(None)
        sys.setprofile(None)

    def arm(self, last: int | None, *, waits: bool = False) -> None:
        """Count from nothing, calls or waits; die at the ``last`` point, if one is named."""
        self.passed = 0
        self._last = last
        self._counted = WAITS if waits else DOORS
        self._armed = True

    def disarm(self) -> int:
        """Count no more; return how many points were passed."""
        self._armed = False
        return self.passed

    def _seen(self, frame: Any, event: str, called: Any) -> None:
        if not self._armed or event not in ("c_call", "c_return"):
            return
        if called.__name__ in self._counted and frame.f_code.co_name not in _INWARD:
            self.passed += 1
            if self.passed == self._last:
                os.kill(os.getpid(), signal.SIGKILL)
