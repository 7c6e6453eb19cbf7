"""Faults: what calls come to when the wire between client and server fails in the middle of them."""

from __future__ import annotations

from unison_storage_conformance.faults import histories as histories
from unison_storage_conformance.faults import wire as wire
