"""Crashes: what is left when a writer is killed in the middle of a call."""

from __future__ import annotations

from unison_storage_conformance.crashes import kills as kills
from unison_storage_conformance.crashes import stores as stores
