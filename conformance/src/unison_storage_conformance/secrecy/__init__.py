"""Secrecy: what is kept and what is needed to reach it is told to nobody who did not ask for it."""

from __future__ import annotations

from unison_storage_conformance.secrecy import canaries as canaries
