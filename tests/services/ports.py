"""Ports on loopback for servers of tests. Which servers there are stands elsewhere."""

from __future__ import annotations

import socket


def free_port() -> int:
    """Return the number of a port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
