"""Faults: what calls come to when the wire to the server, or the server itself, fails in the middle of them."""

from __future__ import annotations

from unison_storage_conformance.faults import histories as histories
from unison_storage_conformance.faults import restarts as restarts
from unison_storage_conformance.faults import wire as wire
