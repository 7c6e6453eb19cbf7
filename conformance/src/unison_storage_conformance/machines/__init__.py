"""Machines: stories of many calls, asked of the backend and of the reference; one module for each contract."""

from __future__ import annotations

from unison_storage_conformance.machines import blobs as blobs
from unison_storage_conformance.machines import cache as cache
from unison_storage_conformance.machines import graph as graph
from unison_storage_conformance.machines import index as index
from unison_storage_conformance.machines import memory as memory
