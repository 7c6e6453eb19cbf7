"""Resources: what a process holds while a backend is open, and what is left of it afterwards."""

from __future__ import annotations

from unison_storage_conformance.resources import closing as closing
